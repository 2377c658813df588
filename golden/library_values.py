"""Writes what CPython prints of values of the standard library's types, and which of them it calls equal.

    python3.12 library_values.py ../azr-executor/tests/value/library.json

`reprs` has a literal and the `repr` of its value in turn; `equal` has, for each of `values`, the numbers of all that are
equal to it. NaN is not among these, for azr calls it equal to itself.
"""

import json
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction

NUMBERS = """
0; 1; -1; True; 1.0; 1+0j; 1j; 1.5; 0.1; -0.0; 1e22; 10**22; 2**53+1; 2.0**53; 5e-324; 1e308; 1e400; -1e400; 3; 10**4299
Decimal('1'); Decimal('1.0'); Decimal('1.50'); Decimal('-0'); Decimal('0E+5'); Decimal('0.1'); Decimal('1E+22')
Decimal('1E+4299'); Decimal('1E+999999999999999999'); Decimal('-1E+999999999999999999'); Decimal('1E-999999999999999999')
Decimal('Infinity'); Decimal('-Infinity'); Decimal('9007199254740992'); Decimal('9007199254740993'); Decimal('-1')
Decimal(0.1); Decimal(5e-324); Decimal(1e308); Decimal('0.3333333333333333'); Decimal('99999999999999999999.9'); Decimal(3)
Fraction(0); Fraction(1); Fraction(3, 2); Fraction(1, 3); Fraction(1, 10); Fraction(0.1); Fraction(10**22); Fraction(-1)
Fraction(2**53+1); Fraction(5e-324); Fraction(1e308); Fraction(-3, 2); Fraction(10**4299); Fraction(3333333333333333, 10**16)
"""
OTHERS = """
None; ...; 'a'; b'a'; []; [1]; (1,); {1}; frozenset([1]); {}; {'a': 1}; {'a': 1.0}; {'a': 0}; {'b': 2, 'a': 1}; {1: 2}; {(): 0}
range(0); range(3, 3, 2); range(5, 0); range(1); range(0, 1, 5); range(0, 2, 7); range(3); range(0, 3, 1); range(2, -1, -1)
range(0, 5, 2); range(0, 6, 2); range(0, 4, 2); range(-10**20, 10**20); range(10**20, -10**20, -3); [0, 1, 2]; range(1, 2)
Counter(); Counter({'a': 0}); Counter({'a': 1}); Counter({'a': 1, 'b': 0}); Counter({'b': 2, 'a': 1}); Counter({'a': 1.0})
Counter({'a': Decimal(1), 'c': Fraction(0)}); Counter({1: 2}); Counter({'a': -1}); Counter({'a': None}); Counter({'a': []})
OrderedDict(); OrderedDict({'a': 1}); OrderedDict({'a': 1, 'b': 2}); OrderedDict({'b': 2, 'a': 1}); OrderedDict([(1, 2)])
OrderedDict({True: Fraction(2)}); OrderedDict({'a': Counter()}); OrderedDict({'a': {}}); OrderedDict({'a': Counter(b=0)})
defaultdict(); defaultdict(int); defaultdict(list, {'a': 1}); defaultdict(int, {'a': 1}); defaultdict(None, {'b': 2, 'a': 1})
defaultdict(str, {1.0: 2}); deque(); deque([], 0); deque([1]); deque([True], maxlen=3); deque([1, 2]); deque([1, 2, 3], 2)
deque([2, 3]); [range(3)]; [range(0, 3)]; {Fraction(1): Decimal(2)}; {1: Fraction(2)}; {Decimal(1)}; {range(3), Fraction(1, 2)}
frozenset([0.5, range(0, 3, 1)]); (Fraction(1, 2),); (0.5,); (Decimal('0.5'),); deque([deque([Fraction(1)])]); [Counter(a=0)]
[Counter()]; [{}]
"""
PRINTED = """
Ellipsis; [...]; range(7); range(1, 7); range(7, 1, -2); range(2, 7, 1); Fraction(-4, 6); Fraction(3, -9); Fraction(7)
Decimal('1e5'); Decimal('1E+5'); Decimal('12e5'); Decimal('.5'); Decimal('5.'); Decimal('-00012.500'); Decimal(7)
Decimal('0.000001'); Decimal('0.0000001'); Decimal('123E-8'); Decimal('1.23E-8'); Decimal('0E1'); Decimal('0.000000')
Decimal('0.0000000'); Decimal('-0E-7'); Decimal('  1_000.5 '); Decimal('inf'); Decimal('-Infinity'); Decimal('nan')
Decimal('-NaN007'); Decimal('sNaN'); Decimal('1.E2'); Decimal('+.5e-3'); Decimal('1E-1999999999999999997'); Decimal('10')
Decimal('1E+999999999999999999'); Decimal('0E+999999999999999999'); Decimal('10E+999999999999999998'); Decimal(-12)
Counter(); Counter({}); Counter(a=1, b=3, c=2); Counter({'x': 1, 'y': 1.5, 'z': True}); Counter({'a': 'x', 'b': 'y'})
Counter({'a': 1, 'b': 'y', 'c': 2}); Counter({'a': b'x', 'b': b'y'}); Counter({'a': None, 'b': 3}); Counter({'only': [1]})
Counter({'a': 1j, 'b': 2j}); Counter({(1, 2): -1, (2, 1): 0}); Counter({'a': Decimal('1.5'), 'b': 2, 'c': Decimal('-1')})
OrderedDict(); OrderedDict([]); OrderedDict(b=1, a=2); OrderedDict([('b', 1), ('a', 2), ('b', 3)]); OrderedDict({2: {1: 2}})
defaultdict(); defaultdict(int); defaultdict(None, {}); defaultdict(list, {'a': [1], 'b': []}); defaultdict(set, {1: {2}})
defaultdict(bool, {}); defaultdict(dict, {}); defaultdict(float, {}); defaultdict(str, {}); defaultdict(tuple, {1: ()})
deque(); deque([]); deque([1, 'a', (2,)]); deque((1, 2)); deque([1, 2, 3], maxlen=2); deque([1], None); deque(maxlen=3)
deque([1], 2); deque([deque([])]); deque([], maxlen=0); {'d': deque([Counter(a=defaultdict(int, {1: OrderedDict(b=...)}))])}
"""


def entries(text):
    return [entry.strip() for line in text.strip().splitlines() for entry in line.split(";")]


def main():
    texts = entries(NUMBERS) + entries(OTHERS)
    values = [eval(text) for text in texts]
    # As azr reads them: without powers and conversions.
    written = [repr(value) for value in values]
    table = {
        "reprs": [part for text in entries(PRINTED) for part in (text, repr(eval(text)))],
        "values": written,
        "equal": [[at for at, other in enumerate(values) if value == other] for value in values],
    }
    with open(sys.argv[1], "w") as file:
        json.dump(table, file, indent=None, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    assert sys.version_info >= (3, 12), "the repr of OrderedDict is that of 3.12"
    main()
