# Part 8 of 9: turns what a program gave into bytes, without running a line of the program.
#
# Types are compared by identity and read by the interpreter's own C code: no method, no attribute and no comparison of
# a program's object is ever asked for. Everything used here was looked up before the program ran.

import collections
import decimal
import fractions

globals().update({name: value for name, value in vars(builtins).items() if name[:2] != "__"})

NoneType = type(None)
type_name = type.__dict__["__name__"].__get__
exception_arguments = BaseException.__dict__["args"].__get__
set_traceback = BaseException.__dict__["__traceback__"].__set__
set_context = BaseException.__dict__["__context__"].__set__
dict_get, dict_items, str_encode, int_bits, int_bytes = dict.get, dict.items, str.encode, int.bit_length, int.to_bytes
float_bytes = struct.Struct("<d").pack
complex_bytes = struct.Struct("<dd").pack
complex_parts = complex.__dict__["real"].__get__, complex.__dict__["imag"].__get__
length_bytes = struct.Struct("<I").pack
exit_process, collect_off, collect_on, is_collecting = os._exit, gc.disable, gc.enable, gc.isenabled
stop_tracing, stop_profiling = sys.settrace, sys.setprofile
recursion_limit, recursion_limit_now = sys.setrecursionlimit, sys.getrecursionlimit
set_limit = resource.setrlimit
ADDRESS_SPACE = resource.RLIMIT_AS

as_text = str
PLAIN = str, bytes, int, float, bool, NoneType
BUILT_IN_EXCEPTIONS = *(
    value for value in vars(builtins).values() if isinstance(value, type) and issubclass(value, BaseException)
),

Counter, OrderedDict, defaultdict, deque = (
    collections.Counter,
    collections.OrderedDict,
    collections.defaultdict,
    collections.deque,
)
Decimal, Fraction, EllipsisType = decimal.Decimal, fractions.Fraction, type(...)
decimal_text = Decimal.__dict__["__str__"]
if type(decimal_text) is not type(int.__repr__):
    Decimal = object()  # written in Python, which a program can change: of no value's type
range_parts = [range.__dict__[name].__get__ for name in ("start", "stop", "step")]
fraction_parts = [Fraction.__dict__[name].__get__ for name in ("_numerator", "_denominator")]
default_factory = defaultdict.__dict__["default_factory"].__get__
deque_length_max = deque.__dict__["maxlen"].__get__
ordered_keys, dict_keys, dict_length = OrderedDict.__dict__["__iter__"], dict.keys, dict.__len__
# In the order in which the native part knows them.
LIBRARY_TYPES = [Counter, defaultdict, deque, Fraction, Decimal, decimal_text, default_factory, deque_length_max]
LIBRARY_TYPES += [*range_parts, *fraction_parts]

NODES_MAX = 100_000
DEPTH_MAX = 96
INT_BITS_SURE = 14_284
INT_MAX = 10**4300
CLASS_CHARACTERS_MAX = 200
MESSAGE_CHARACTERS_MAX = 500
DECIMAL_CHARACTERS_MAX = 4300
SEQUENCES = (list, b"l"), (tuple, b"t"), (set, b"e"), (frozenset, b"z")
DICTIONARIES = (dict, b"m"), (Counter, b"k"), (OrderedDict, b"o")
FACTORIES = (
    *((None, b"N"), (bool, b"F"), (dict, b"m"), (float, b"d"), (int, b"i")),
    *((list, b"l"), (set, b"e"), (str, b"s"), (tuple, b"t")),
)
# Hashed and compared by the interpreter's own C code alone.
HASHED_IN_C = int, str, bool, NoneType, float, bytes, complex, EllipsisType, range


class TooLarge(Exception):
    pass


class Unsupported(Exception):
    pass


def encode(value, bytes_max):
    """A value as typed bytes; raises TooLarge, or Unsupported with a class and a message."""
    out = bytearray()
    nodes = 0
    open_iterators = [iter((value,))]
    while open_iterators:
        for item in open_iterators[-1]:
            nodes += 1
            if nodes > NODES_MAX or len(out) > bytes_max:
                raise TooLarge
            kind = type(item)
            if kind is int:
                if int_bits(item) > INT_BITS_SURE and not -INT_MAX < item < INT_MAX:
                    raise Unsupported("ValueError", "Exceeds the limit (4300 digits) for integer string conversion")
                size = int_bits(item) // 8 + 1
                out += b"i" + length_bytes(size) + int_bytes(item, size, "little", signed=True)
            elif kind is str:
                if len(item) > bytes_max:
                    raise TooLarge
                try:
                    text = str_encode(item, "utf-8")
                except UnicodeEncodeError:
                    raise Unsupported("UnsupportedType", "str with a lone surrogate")
                out += b"s" + length_bytes(len(text))
                out += text
            elif kind is bool:
                out += b"T" if item else b"F"
            elif kind is NoneType:
                out += b"N"
            elif kind is float:
                out += b"d" + float_bytes(item)
            elif kind is bytes:
                if len(item) > bytes_max:
                    raise TooLarge
                out += b"b" + length_bytes(len(item))
                out += item
            elif kind is complex:
                out += b"c" + complex_bytes(complex_parts[0](item), complex_parts[1](item))
            elif kind is EllipsisType:
                out += b"E"
            elif kind is Decimal:
                text = decimal_text(item)
                if len(text) > DECIMAL_CHARACTERS_MAX:
                    raise Unsupported("UnsupportedType", "Decimal with more than 4300 characters")
                out += b"D" + length_bytes(len(text)) + str_encode(text, "utf-8")
            else:
                head = head_of(item, kind)
                if len(open_iterators) > DEPTH_MAX:
                    raise Unsupported("UnsupportedType", "a value nested deeper than 96 levels")
                out += head
                open_iterators.append(iter(parts_of(item, kind)))
                break
        else:
            open_iterators.pop()
    if len(out) > bytes_max:
        raise TooLarge
    return out


def tag_of(kind, tags):
    """By identity: a program's class may have a hash of its own."""
    return next((tag for one, tag in tags if one is kind), None)


def head_of(item, kind):
    """What comes before the parts of a value that has some."""
    if kind is range:
        return b"r"
    if kind is Fraction:
        return b"q"
    length, tag = len, tag_of(kind, SEQUENCES)
    if tag is None:
        length, tag = dict_length, tag_of(kind, DICTIONARIES)
    if kind is defaultdict:
        factory = default_factory(item)
        tag = tag_of(factory, FACTORIES)
        tag = tag and b"f" + tag
    elif kind is deque:
        length, length_max = len, deque_length_max(item)
        tag = b"u" if length_max is None else b"w" + int_bytes(length_max, 8, "little")
    if tag is None:
        raise Unsupported("UnsupportedType", type_name(kind))
    if length(item) > NODES_MAX:
        raise TooLarge
    return tag + length_bytes(length(item))


def parts_of(item, kind):
    """The values of which a value consists, in the order in which they are written."""
    if kind is range:
        return integers(item, range_parts)
    if kind is Fraction:
        return integers(item, fraction_parts)
    if kind is OrderedDict:
        return ordered_parts(item)
    if kind is dict or kind is Counter or kind is defaultdict:
        return [part for pair in dict_items(item) for part in pair]
    return item


def integers(item, getters):
    try:
        parts = [getter(item) for getter in getters]
    except AttributeError:
        parts = [None]  # deleted by the program
    if all(type(part) is int for part in parts):
        return parts
    raise Unsupported("UnsupportedType", type_name(type(item)))


def ordered_parts(item):
    """Keys and values in the order of an OrderedDict, which is only found by hashing its keys."""
    check_keys(item)
    missing = object()
    try:
        parts = [part for key in ordered_keys(item) for part in (key, dict_get(item, key, missing))]
        is_whole = len(parts) == 2 * dict_length(item) and not any(part is missing for part in parts)
    except (KeyError, RuntimeError):
        is_whole = False
    if not is_whole:
        # A program went behind its back.
        raise Unsupported("UnsupportedType", "OrderedDict")
    return parts


def check_keys(item):
    nodes = 0
    open_iterators = [iter(dict_keys(item))]
    while open_iterators:
        for key in open_iterators[-1]:
            nodes += 1
            if nodes > NODES_MAX:
                raise TooLarge
            kind = type(key)
            if kind is tuple or kind is frozenset:
                if len(open_iterators) > DEPTH_MAX:
                    raise Unsupported("UnsupportedType", "a value nested deeper than 96 levels")
                open_iterators.append(iter(key))
                break
            if kind is Decimal or kind is Fraction:
                raise Unsupported("UnsupportedType", "OrderedDict with a Decimal or a Fraction in a key")
            if not any(kind is one for one in HASHED_IN_C):
                raise Unsupported("UnsupportedType", type_name(kind))
        else:
            open_iterators.pop()


def text_bytes(text, characters_max):
    encoded = str_encode(text[:characters_max], "utf-8", "backslashreplace")
    return length_bytes(len(encoded)) + encoded


def raised(name, message):
    return b"X" + text_bytes(name, CLASS_CHARACTERS_MAX) + text_bytes(message, MESSAGE_CHARACTERS_MAX)


def exception_record(exception):
    """The class by the interpreter's own record of its name, and the message."""
    arguments = exception_arguments(exception)
    return raised(type_name(type(exception)), exception_message(type(exception), arguments))


def exception_message(kind, arguments):
    """What the interpreter would print of a built-in exception with plain arguments: an equal one is made, which has
    nothing of the program's. Of any other, the first of the first two arguments that is a string."""
    if type(arguments) is not tuple:
        return ""
    if any(kind is one for one in BUILT_IN_EXCEPTIONS) and all(type(it) in PLAIN for it in arguments):
        try:
            return as_text(kind(*arguments))
        except BaseException:
            pass
    for argument in arguments[:2]:
        if type(argument) is str:
            return argument
    return ""


def value_record(value, bytes_max):
    try:
        return b"R" + encode(value, bytes_max)
    except TooLarge:
        return b"O"
    except MemoryError:
        return b"M"
    except Unsupported as refusal:
        return raised(*refusal.args)


def decode(data, at):
    """A value of ours, and where it ends. Only arguments come this way, written by the supervisor."""
    tag = data[at]
    at += 1
    if tag == 78:
        return None, at
    if tag == 84 or tag == 70:
        return tag == 84, at
    if tag == 100:
        return struct.unpack_from("<d", data, at)[0], at + 8
    if tag == 99:
        return complex(*struct.unpack_from("<dd", data, at)), at + 16
    if tag == 69:
        return ..., at
    if tag == 114 or tag == 113:
        parts = []
        for _ in range(3 if tag == 114 else 2):
            part, at = decode(data, at)
            parts.append(part)
        return (range if tag == 114 else Fraction)(*parts), at
    kind = None
    if tag == 102:
        kind, at = data[at : at + 1], at + 1
    length_max = None
    if tag == 119:
        length_max, at = int.from_bytes(data[at : at + 8], "little"), at + 8
    size = int.from_bytes(data[at : at + 4], "little")
    at += 4
    if tag == 105:
        return int.from_bytes(data[at : at + size], "little", signed=True), at + size
    if tag == 115 or tag == 68:
        text = str(data[at : at + size], "utf-8")
        return (text if tag == 115 else Decimal(text)), at + size
    if tag == 98:
        return data[at : at + size], at + size
    if tag in (109, 107, 111, 102):
        items = {}
        for _ in range(size):
            key, at = decode(data, at)
            items[key], at = decode(data, at)
        if tag == 102:
            return defaultdict(next(one for one, tag in FACTORIES if tag == kind), items), at
        return (items if tag == 109 else Counter(items) if tag == 107 else OrderedDict(items)), at
    elements = []
    for _ in range(size):
        element, at = decode(data, at)
        elements.append(element)
    if tag == 108:
        return elements, at
    if tag == 117 or tag == 119:
        return deque(elements, length_max), at
    return (tuple if tag == 116 else set if tag == 101 else frozenset)(elements), at
