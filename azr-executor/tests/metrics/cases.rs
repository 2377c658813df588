//! Small programs and what radon 6.0.1, complexipy 8.3.0 and `ast` of CPython 3.11 say of each.

/// One program and its figures.
pub struct Case {
    /// What the program is about.
    pub about: &'static str,
    /// Its text.
    pub program: &'static str,
    /// Kind, name, line and complexity of each block of `cc_visit`, and behind the bar `total_complexity`.
    pub cyclomatic: &'static str,
    /// Name and complexity of each function of `code_complexity`, and behind the bar the complexity of all.
    pub cognitive: &'static str,
    /// `h1`, `h2`, `N1`, `N2` of `h_visit(..).total`.
    pub halstead: [u64; 4],
    /// Nodes of `ast.walk` without expression contexts, and the depth of the tree.
    pub tree: [usize; 2],
}

/// Each rule occurs in one of them.
pub const CASES: &[Case] = &[
    Case {
        about: "chains of boolean operators and negations",
        program: r#"
def f(a, b, c):
    return a and b and not (a or c) or c
"#,
        cyclomatic: "function f@2 5 | 5",
        cognitive: "f 3 | 3",
        halstead: [3, 6, 4, 8],
        tree: [20, 8],
    },
    Case {
        about: "nested chains and unary operators",
        program: r#"
def f(a, b):
    if a and (b and a):
        return -(a or b)
    return not (a or not (b or a))
"#,
        cyclomatic: "function f@2 7 | 7",
        cognitive: "f 5 | 5",
        halstead: [4, 7, 8, 13],
        tree: [32, 8],
    },
    Case {
        about: "comprehensions with several clauses and conditions",
        program: r#"
def f(rows):
    return [x for row in rows if row for x in row if x if 0 < x]
"#,
        cyclomatic: "function f@2 6 | 6",
        cognitive: "f 5 | 5",
        halstead: [1, 2, 1, 2],
        tree: [19, 7],
    },
    Case {
        about: "nested comprehensions and conditional expressions",
        program: r#"
def f(n):
    total = {i: {j for j in range(i) if j and i} for i in range(n)}
    return sum(x if x else 1 for x in total)
"#,
        cyclomatic: "function f@2 7 | 7",
        cognitive: "f 8 | 8",
        halstead: [1, 2, 1, 2],
        tree: [35, 8],
    },
    Case {
        about: "every clause of try",
        program: r#"
def f(x):
    for i in range(x):
        try:
            g(i)
        except KeyError:
            if x:
                pass
        except ValueError:
            pass
        else:
            x = 1
        finally:
            while x:
                x -= 1
"#,
        cyclomatic: "function f@2 7 | 7",
        cognitive: "f 10 | 10",
        halstead: [1, 2, 1, 2],
        tree: [31, 7],
    },
    Case {
        about: "match with a wildcard",
        program: r#"
def f(x):
    match x:
        case 0 | 1:
            return 'low'
        case [a, *_] if a:
            return 'list'
        case _:
            if x:
                return 'other'
"#,
        cyclomatic: "function f@2 4 | 4",
        cognitive: "f 3 | 3",
        halstead: [0, 0, 0, 0],
        tree: [27, 7],
    },
    Case {
        about: "match without a wildcard",
        program: r#"
def f(x):
    match x:
        case {'k': v}:
            return v
        case -1:
            return 0
"#,
        cyclomatic: "function f@2 3 | 3",
        cognitive: "f 1 | 1",
        halstead: [1, 1, 1, 1],
        tree: [19, 7],
    },
    Case {
        about: "with",
        program: r#"
def f(path):
    with open(path or 'x') as file, g():
        if file:
            return file.read() if path else ''
"#,
        cyclomatic: "function f@2 4 | 4",
        cognitive: "f 4 | 4",
        halstead: [1, 2, 1, 2],
        tree: [25, 9],
    },
    Case {
        about: "lambdas and their defaults",
        program: r#"
f = lambda x, y=1 or 2: x if y else lambda: x and y
"#,
        cyclomatic: " | 4",
        cognitive: " | 3",
        halstead: [2, 4, 2, 4],
        tree: [20, 7],
    },
    Case {
        about: "functions and classes within functions",
        program: r#"
def outer(a):
    def inner(b):
        if b:
            def deepest():
                return a if b else 0
            return deepest
        return None
    class Local:
        def method(self):
            if a:
                return 1
    return inner(a)
"#,
        cyclomatic: "function outer@2 1 | 1",
        cognitive: "outer 6 | 6",
        halstead: [0, 0, 0, 0],
        tree: [32, 8],
    },
    Case {
        about: "a function that holds but another and a return",
        program: r#"
def deco(g):
    def inner(x):
        if x:
            return g(x)
    return inner
"#,
        cyclomatic: "function deco@2 1 | 1",
        cognitive: "deco 1 | 1",
        halstead: [0, 0, 0, 0],
        tree: [15, 7],
    },
    Case {
        about: "methods, decorators, nested and empty classes",
        program: r#"
import math

@dataclass
class Shape:
    sides = 4 if math else 3

    @property
    # a comment

    def area(self, k=1 or 2):
        return self.sides and self.area()

    async def walk(self):
        async for it in self:
            yield it
        else:
            return

    class Inner:
        def hidden(self):
            while True:
                pass

class Empty:
    pass

class One(Shape if math else object):
    def only(self):
        if self and self:
            return [i for i in self if i]
"#,
        cyclomatic: "class Shape@5 4, method area@11 2, method walk@14 3, class Empty@25 1, class One@28 6, method only@29 5 | 12",
        cognitive: "area 1, walk 1, hidden 1, only 5 | 8",
        halstead: [1, 3, 2, 4],
        tree: [67, 8],
    },
    Case {
        about: "direct recursion, and calls that are none",
        program: r#"
def f(n):
    if n < 2:
        return 1
    return n * f(n - 1)
def g(n):
    return [lambda: g(n), n]
def h(n):
    def k():
        return h(n)
    return k
"#,
        cyclomatic: "function f@2 2, function g@6 1, function h@8 1 | 2",
        cognitive: "f 2, g 0, h 0 | 2",
        halstead: [3, 4, 3, 6],
        tree: [43, 7],
    },
    Case {
        about: "else of loops and of branches",
        program: r#"
def f(x):
    while x:
        x -= 1
    else:
        x = 1
    for i in x:
        pass
    else:
        if x:
            pass
        elif x and i:
            pass
        elif i:
            pass
        else:
            x = 2
"#,
        cyclomatic: "function f@2 9 | 9",
        cognitive: "f 7 | 7",
        halstead: [2, 3, 2, 4],
        tree: [32, 8],
    },
    Case {
        about: "assert and raise",
        program: r#"
def f(x):
    assert x and all(i for i in x), 'a' if x else 'b'
    raise ValueError(x or 1) from (x if x else None)
"#,
        cyclomatic: "function f@2 4 | 4",
        cognitive: "f 4 | 4",
        halstead: [2, 3, 2, 4],
        tree: [30, 8],
    },
    Case {
        about: "definitions in branches of the module",
        program: r#"
if x:
    def f(y):
        if y:
            return 1
    class A:
        def g(self):
            while self: pass
elif y or z:
    x = 1
else:
    x = 2
"#,
        cyclomatic: "function f@3 2, class A@6 3, method g@7 2 | 7",
        cognitive: "f 1, g 1 | 6",
        halstead: [1, 2, 1, 2],
        tree: [28, 6],
    },
    Case {
        about: "except star",
        program: r#"
try:
    f()
except* ValueError:
    pass
else:
    g()
"#,
        cyclomatic: " | 1",
        cognitive: " | 1",
        halstead: [0, 0, 0, 0],
        tree: [11, 5],
    },
    Case {
        about: "arithmetic, comparison, augmented assignment",
        program: r#"
x = 1 + 1.0 - True
x += 'x' * a.x // -y
y = +x ** ~x @ 2j
z = a < b <= 1 != c is not None in d not in e
"#,
        cyclomatic: " | 1",
        cognitive: " | 0",
        halstead: [15, 17, 16, 24],
        tree: [52, 7],
    },
    Case {
        about: "operands in functions of one name",
        program: r#"
def f(a):
    return a + 1
def g(a):
    return a + 1
class C:
    def f(self, a):
        return a + 1
    n = a << 1
"#,
        cyclomatic: "function f@2 1, function g@4 1, class C@6 2, method f@7 1 | 2",
        cognitive: "f 0, g 0, f 0 | 0",
        halstead: [2, 6, 4, 8],
        tree: [33, 6],
    },
    Case {
        about: "operands that are like no other",
        program: r#"
def f(a):
    return (a + 1) * (a + 1) - g(a) % g(a) + f'{a}' + f'{a}' + b'a' + ... + None
"#,
        cyclomatic: "function f@2 1 | 1",
        cognitive: "f 0 | 0",
        halstead: [4, 18, 10, 20],
        tree: [44, 12],
    },
    Case {
        about: "numbers that are equal",
        program: r#"
x = 18446744073709551616 + 0x1_0000000000000000 + 1.8446744073709551616e19 + 1e400 + 0j + 0 + .5
"#,
        cyclomatic: " | 1",
        cognitive: " | 0",
        halstead: [1, 9, 6, 12],
        tree: [22, 9],
    },
    Case {
        about: "decorators, defaults and annotations",
        program: r#"
@g(a or b)
def f(a: int or str = 1 if b else 2) -> x + y:
    pass
"#,
        cyclomatic: "function f@3 1 | 1",
        cognitive: "f 0 | 0",
        halstead: [0, 0, 0, 0],
        tree: [23, 6],
    },
    Case {
        about: "annotations, assignment expressions, keywords, pieces of text",
        program: r#"
x: a or b = [y := 1, *z, {**k, 1: 2}] or f(*a, k=b or c, **d)
print(f'{x!r:>{w or 1}}' 'tail' f'{x=}')
del x, y[1:2]
"#,
        cyclomatic: " | 5",
        cognitive: " | 1",
        halstead: [1, 7, 4, 8],
        tree: [53, 9],
    },
    Case {
        about: "nothing",
        program: r#"
pass
"#,
        cyclomatic: " | 1",
        cognitive: " | 0",
        halstead: [0, 0, 0, 0],
        tree: [2, 2],
    },
];
