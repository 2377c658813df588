//! What is said of a program from its text alone.

use azr_executor::syntax::{
    banned_import, defines_function, denial, is_argument_list, normalized_hash,
};
use azr_executor::{Bans, Denial, Limits};
use proptest::prelude::*;

#[test]
fn a_banned_import_is_found_wherever_and_however_it_is_written() {
    let programs = [
        ("import random", "random"),
        ("import os, random as r", "random"),
        ("from random import *", "random"),
        ("import random.sub", "random"),
        (
            "def f():\n  if 1:\n    try:\n      import hashlib as h\n    except: pass",
            "hashlib",
        ),
        ("class A:\n  import time", "time"),
        ("import \\\n  random", "random"),
        ("# harmless\rimport random\rdef f(x): return x", "random"),
        ("x = 1; import random", "random"),
        ("import ｒandom", "random"),
        ("from os import path", "os.path"),
        ("import os.path", "os.path"),
        ("from os.path import join", "os.path"),
        ("from sys import exit", "sys.exit"),
        ("__import__('random')", "random"),
        ("import builtins\nbuiltins.__import__(name='time')", "time"),
        (
            "import importlib as i\ni.import_module('datetime.x')",
            "datetime",
        ),
        (
            "f = lambda: [__import__('random') for _ in range(3)]",
            "random",
        ),
        ("match 1:\n  case 1:\n    import random", "random"),
        ("def broken(:\nimport random\n", "random"),
        ("f'{__import__(\"random\")}'", "random"),
        (
            "async def f():\n  async with a as b:\n    import random",
            "random",
        ),
        ("@__import__('random').x\ndef f(): pass", "random"),
        ("\u{c}import random", "random"),
    ];
    for (program, module) in programs {
        assert_eq!(
            banned_import(program, &Bans::paper()).as_deref(),
            Some(module),
            "{program:?}"
        );
    }
}

#[test]
fn what_is_not_banned_is_not_found() {
    let programs = [
        "import randomness",
        "import math",
        "random = 1",
        "'import random'",
        "# import random",
        "from . import random",
        "",
    ];
    for program in programs {
        assert_eq!(banned_import(program, &Bans::paper()), None, "{program:?}");
    }
    assert_eq!(banned_import("import random", &Bans::none()), None);
}

#[test]
fn local_names_comments_and_docstrings_do_not_change_the_hash() {
    let plain = "def f(a, b):\n    c = a + b\n    return [x * c for x in range(b)]\n";
    let same = [
        "def f(p, q):\n  '''Adds.'''\n  total = p + q  # sum\n  return [it * total for it in range(q)]",
        "\n\ndef f(a, b):\n\n    b2 = (a + b)\n    return [a * b2 for a in range(b)]\n",
        "'module'\ndef f(b, a):\n    c = b + a\n    return [x*c for x in range(a)]\n",
    ];
    for program in same {
        assert_eq!(
            normalized_hash(plain),
            normalized_hash(program),
            "{program}"
        );
    }
    let different = [
        "def f(a, b):\n    c = b + a\n    return [x * c for x in range(b)]\n",
        "def f(a, b):\n    c = a + b\n    return [x * c for x in range(a)]\n",
        "def f(a, b=1):\n    c = a + b\n    return [x * c for x in range(b)]\n",
        "def f(a, b):\n    c = a + b\n    return (x * c for x in range(b))\n",
        "def g(a, b):\n    c = a + b\n    return [x * c for x in range(b)]\n",
        "def f(a, b):\n    c = a + b\n    return [x * d for x in range(b)]\n",
    ];
    for program in different {
        assert_ne!(
            normalized_hash(plain),
            normalized_hash(program),
            "{program}"
        );
    }
    assert!(normalized_hash(plain).is_some());
}

#[test]
fn names_that_others_see_are_kept() {
    let pairs = [
        (
            "def f(x):\n  global n\n  n = x\n  return n",
            "def f(x):\n  global m\n  m = x\n  return m",
        ),
        (
            "def g(x, y):\n  return x - y\ndef f(a):\n  return g(x=1, y=a)",
            "def g(y, x):\n  return y - x\ndef f(a):\n  return g(x=1, y=a)",
        ),
        (
            "class A:\n  n = 1\ndef f(x):\n  return A.n",
            "class A:\n  m = 1\ndef f(x):\n  return A.n",
        ),
        ("def f(x):\n  return len(x)", "def f(x):\n  return sum(x)"),
        ("def f(x):\n  return x.a", "def f(x):\n  return x.b"),
    ];
    for (left, right) in pairs {
        assert_ne!(normalized_hash(left), normalized_hash(right), "{left}");
    }
}

#[test]
fn nested_scopes_are_renamed_as_the_language_binds_them() {
    let left = "def f(x):\n  def g(y):\n    nonlocal z\n    z = y\n    return lambda w: w + z + x\n  z = 0\n  try:\n    pass\n  except ValueError as e:\n    z = e\n  with x as q:\n    import math as m\n  match x:\n    case [h, *r]:\n      z = h\n  return g(z)";
    let right = "def f(x1):\n  def g1(y1):\n    nonlocal z1\n    z1 = y1\n    return lambda w1: w1 + z1 + x1\n  z1 = 0\n  try:\n    pass\n  except ValueError as e1:\n    z1 = e1\n  with x1 as q1:\n    import math as m1\n  match x1:\n    case [h1, *r1]:\n      z1 = h1\n  return g1(z1)";
    assert!(normalized_hash(left).is_some());
    assert_eq!(normalized_hash(left), normalized_hash(right));
    let swapped = "def f(x):\n  import math\n  return math.pi";
    let aliased = "def f(x):\n  import math as m\n  return m.pi";
    assert_eq!(normalized_hash(swapped), normalized_hash(aliased));
}

#[test]
fn a_program_without_valid_syntax_has_no_hash_and_defines_nothing() {
    for program in [
        "def f(:",
        "def f(x): return 1 +",
        "print 1",
        "type X = int",
        "x = f'{f'{1}'}'",
    ] {
        assert_eq!(normalized_hash(program), None, "{program}");
        assert!(!defines_function(program, "f"));
    }
    assert!(defines_function("import math\ndef f(x):\n  return x", "f"));
    assert!(!defines_function(
        "class A:\n  def f(self):\n    pass\nf = 1",
        "f"
    ));
}

#[test]
fn an_argument_list_stays_between_its_parentheses() {
    for text in [
        "",
        "1",
        "[x for x in range(3)], k=2",
        "*a, **b",
        "1 # one",
        "'a'.lower(),",
        "(1,\n2)",
        "x for x in y",
    ] {
        assert!(is_argument_list(text), "{text}");
    }
    for text in [
        "1) or (True",
        "1)\nf(2",
        "1); import os; (2",
        "a=1, 2",
        "1\n)\n(",
        ")",
        "'",
        "f(1",
        "x = 1; y",
        "lambda",
    ] {
        assert!(!is_argument_list(text), "{text}");
    }
}

#[test]
fn size_and_depth_are_refused_by_name() {
    let limits = Limits::default();
    let large = "#".repeat(70_000);
    assert_eq!(
        denial(&large, &Bans::none(), &limits),
        Some(Denial::SourceTooLarge { bytes: 70_000 })
    );
    let chain = format!("x = a{}\n", ".b".repeat(30_000));
    assert_eq!(
        denial(&chain, &Bans::none(), &limits),
        Some(Denial::SourceTooDeep)
    );
    assert_eq!(denial("def f(x): return x", &Bans::paper(), &limits), None);
}

#[test]
fn no_shape_of_program_exhausts_the_stack() {
    let shapes: [(&str, &str); 22] = [
        ("(", ")"),
        ("[", "]"),
        ("{1:", "}"),
        ("-", ""),
        ("not ", ""),
        ("lambda:", ""),
        ("1**", ""),
        ("a.", "b"),
        ("1<", ""),
        ("f(", ")"),
        ("1 if 1 else ", ""),
        ("a[", "]"),
        ("1+", ""),
        ("a and ", ""),
        ("f'{", "}'"),
        ("await ", ""),
        ("(](],", ""),
        ("([)", ""),
        ("*", ""),
        ("x=", ""),
        ("if x:\n", ""),
        ("(1,", ")"),
    ];
    for (open, close) in shapes {
        for bytes in [1_000, 4_000, 65_000, 500_000] {
            let depth = bytes / (open.len() + close.len());
            let balanced = format!("x = {}1{}\n", open.repeat(depth), close.repeat(depth));
            for program in [
                balanced,
                open.repeat(depth),
                format!("{}\nimport random", open.repeat(depth)),
            ] {
                let _ = normalized_hash(&program);
                let _ = banned_import(&program, &Bans::paper());
            }
        }
    }
    let indented: String = (0..200)
        .map(|level| format!("{}if 1:\n", " ".repeat(level)))
        .collect();
    let _ = normalized_hash(&indented);
    let dotted = format!(
        "{}\n{}",
        "def f(x):\n  return (",
        "x.a(".repeat(180) + &")".repeat(181)
    );
    let _ = normalized_hash(&dotted);
}

proptest! {
    #[test]
    fn no_program_makes_the_analysis_panic(
        text in any::<String>(),
        soup in "([-+*/()\\[\\]{},:=.'\"#\\\\\n ]|def |class |lambda |if |else |for |in |import |from |match |case |f'|[a-z0-9]){0,200}",
    ) {
        for program in [&text, &soup] {
            let _ = normalized_hash(program);
            let _ = banned_import(program, &Bans::paper());
            let _ = defines_function(program, "f");
        }
    }
}
