//! Writes the inputs that fuzzing begins with: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.

use std::fs;
use std::io;
use std::path::Path;

use azr_executor::Value;
use azr_executor::encoding::encode;

/// What stands for a value in Python, each in a notation of its own.
const LITERALS: [&str; 28] = [
    "None",
    "True, False",
    "-0x1_0000_0000_0000_0000",
    "123456789012345678901234567890, 0b1, 0o17",
    "1.5e-7, -0.0, 1e16, 1e400, 5e-324, .5",
    "float('nan'), -inf, nan",
    "1.5-2.25j, -2j, (1+nanj), infj",
    "'it''s', \"it's\", r'\\d'",
    r"'\\ \n\r\t\x00\x7f\xad \u200b \ue000 \U0001f600 \N{BULLET}'",
    "'''a\r\nb\rc'''",
    r"b'\x00\xff\'', b'a' b'b'",
    "()",
    "(1,), ((2, 3), [])",
    "[\n1,\n2 # two\n]",
    "{}",
    "{1: 'a', True: 'b', 2: 'c', 1.0: 'd'}",
    "{3, 1, 2, 1.0}",
    "set(), frozenset()",
    "frozenset({2, 1}), set([1, 2])",
    "{frozenset([1]), (1, 'x')}",
    "dict(a=1, b=[2])",
    "1, 'x', key=[1], other={2: None}",
    "[[[[[[[[[[]]]]]]]]]]",
    "-(-(+1)), +1j",
    "..., Ellipsis, range(3), range(5, -1, -2), {range(2): 1}",
    "Decimal('1.50'), decimal.Decimal('-1E+999'), Decimal('sNaN7'), Fraction(-2, 6), {1, Decimal('1.0'), Fraction(3, 2)}",
    "Counter({'a': 1, 'b': 2}), OrderedDict([(1, 2), (3, [])]), collections.OrderedDict(a=1)",
    "defaultdict(<class 'int'>, {1: 2}), defaultdict(None, {}), deque([1, 2]), deque([], maxlen=3)",
];

/// Programs that have between them every statement, and every way to import.
const PROGRAMS: [&str; 16] = [
    "def f(a, /, b: int = 1, *c, d=2, **e) -> int:\n    'Adds.'\n    return a + b  # sum\n",
    "import os, random as r\nfrom os import path\nfrom . import x\nfrom random import *\n",
    "import importlib as i\ni.import_module('datetime.x')\n__import__(name='time')\n",
    "class A(B, metaclass=M):\n    x: int\n    @property\n    def y(self): return self.__z\n",
    "async def f():\n    async with a as b, c:\n        async for x in y: await z\n    else_ = [i async for i in x]\n",
    "match x:\n    case [1, *_] | {'a': b, **c}: pass\n    case A(y=1) as d if d: pass\n    case -1j | 'a' 'b': pass\n",
    "try:\n    raise E from e\nexcept* (A, B) as e:\n    pass\nelse: ...\nfinally: del a, b[0]\n",
    "with (open(a) as b, c): assert b, 'no'\nfor i, *j in k: continue\nelse: pass\nwhile 1: break\n",
    "x = lambda *a, b=1: (yield a) if b else not a\ny = [i for i in x if i for j in i]\nz = {**a, 'b': 1}\n",
    "f'{a!r:>{w}} {{}} {b=}' 'c' rb'd' if (n := 10) > 5 else {i: i for i in a}\n",
    "global a\nnonlocal b\na @= b\na //= 1; b **= -~c\nprint(*a, **b, sep='')\na[1:2, ::3] = a < b != c is not d\n",
    "if a:\n\tpass\nelif b:\n        pass\nelse:\n  \\\n  pass\n",
    "def broken(:\nimport random\n",
    "type X[T] = list[T]\ndef f[T](x: T): pass\n",
    "\u{c}# -*- coding: utf-8 -*-\rimport ｒandom\r\nx = '''\n",
    include_str!("../../azr-executor/src/python/driver/main.py"),
];

/// Chat templates that have between them every statement and most expressions.
const TEMPLATES: [&str; 8] = [
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m['content'] | trim }}{% if not loop.last %}\n{% endif %}{% else %}none{% endfor %}",
    "{%- set ns = namespace(n=0) -%}{% for m in messages if m.role != 'system' recursive %}{% set ns.n = ns.n + 1 %}{{ loop.cycle('a', 'b') }}{{ ns.n ~ '/' ~ loop.length }}{% break %}{% endfor %}",
    "{% macro f(a, b=1) %}{{ a }}{{ varargs }}{{ kwargs }}{{ caller() if caller }}{% endmacro %}{{ f(1, 2, 3, c=4) }}{% call f(1) %}x{% endcall %}",
    "{{ [1, 2.5, none, true, 'a', {'b': (1,)}] | tojson(indent=2) }}{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(', ') }}",
    "{{ 'a b c'.split(' ')[::-1] }}{{ '%s %05.2f' % ('x', 3.14159) }}{{ '{:>10}'.format('y') }}{{ 7 // 2 ** 2 % 3 - -1 }}{{ 1 < 2 <= 3 and 'a' in 'abc' or not x is defined }}",
    "{% filter upper %}{% raw %}{{ x }}{% endraw %}{% endfilter %}{% with a = 1 %}{{ a }}{% endwith %}{# note #}{% generation %}z{% endgeneration %}",
    "{% set a, b = 1, [2] %}{% set c %}text{% endset %}{{ dict(a=a, **{'b': b}) | dictsort }}{{ range(3) | list | batch(2) | list }}{{ strftime_now('%d %b %Y') }}",
    "{% if tools is iterable and tools | length > 0 %}{{ raise_exception('no tools') }}{% elif messages[0]['content'] is string %}{{ messages[0].content[:3] }}{% endif %}",
];

/// Files of a model, in the order of their numbers in the target.
const MODEL_FILES: [&[u8]; 4] = [
    include_bytes!("../../golden/small/llama-tied-gqa/config.json"),
    include_bytes!("../../golden/small/llama-tied-gqa/generation_config.json"),
    include_bytes!("../../golden/small/llama-tied-gqa/tokenizer.json"),
    include_bytes!("../../golden/small/llama-tied-gqa/tokenizer_config.json"),
];

/// What templates of the sandbox say, in the order of their lives: bytes and the number of descriptors. The first four are of each kind
/// of supervisor in turn.
const SCRIPTS: [&[(&[u8], u8)]; 8] = [
    &[HELLO, WORKER, READY, (b"e\0\0\0\0", 0), (b"a\0\0\0\0", 0)],
    &[HELLO, WORKER, (b"e\x09\0\0\0", 0)],
    &[
        HELLO,
        WORKER,
        READY,
        (b"e\x18\0\0\0", 0),
        (b"a\x01\0\0\0", 0),
    ],
    &[HELLO, WORKER, (b"e\x1f\0\0\0", 0)],
    &[
        HELLO,
        WORKER,
        READY,
        (b"w\x09\0\0\0", 0),
        WORKER,
        READY,
        (b"w\x09\0\0\0", 0),
        WORKER,
        READY,
        (b"a\0\0\0\0", 0),
    ],
    &[HELLO, (b"f\x0b\0\0\0", 0)],
    &[(b"!landlock: no such system call", 0)],
    &[HELLO, WORKER, READY, (b"d\x7f\x05\0\0", 0), (b"p", 16)],
];

const HELLO: (&[u8], u8) = (
    br#"{"version": [3, 11, 7], "refused": {"landlock": 38, "user": 1}, "keeps_root": true}"#,
    0,
);
const WORKER: (&[u8], u8) = (b"p", 1);
const READY: (&[u8], u8) = (b"o\0\0\0\0", 0);

fn main() -> io::Result<()> {
    write("literal", LITERALS.map(Vec::from))?;
    write("program", PROGRAMS.map(Vec::from))?;
    write("result", LITERALS.iter().flat_map(|text| windows(text)))?;
    write("template", TEMPLATES.map(Vec::from))?;
    let files = (0_u8..).zip(MODEL_FILES);
    write(
        "model",
        files.map(|(which, file)| [&[which], file].concat()),
    )?;
    let scripts = SCRIPTS.iter().enumerate();
    write(
        "protocol",
        scripts.map(|(at, messages)| script(at, messages)),
    )
}

fn write(target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&corpus)?;
    for (at, seed) in seeds.into_iter().enumerate() {
        fs::write(corpus.join(format!("seed-{at}")), seed)?;
    }
    Ok(())
}

/// Windows with the value returned by one call, and by the first of two; the other is an exception.
fn windows(text: &str) -> [Vec<u8>; 2] {
    let text = format!("({text},)");
    let mut records = vec![b'R'];
    if let Ok(value) = Value::parse_literal(&text) {
        encode(&value, &mut records);
    }
    let returned = window(&records);
    records.extend(b"X\x09\0\0\0TypeError\x02\0\0\0no");
    [returned, window(&records)]
}

/// Nonce, number of calls done and length of the records, and those from byte 64.
fn window(records: &[u8]) -> Vec<u8> {
    let mut window = b"nonce of the run\x01\0\0\0".to_vec();
    window.extend((records.len() as u32).to_le_bytes());
    window.resize(64, 0);
    window.extend(records);
    window
}

fn script(choice: usize, messages: &[(&[u8], u8)]) -> Vec<u8> {
    let mut script = vec![choice as u8];
    for (bytes, descriptors) in messages {
        script.push(*descriptors);
        script.extend((bytes.len() as u16).to_le_bytes());
        script.extend(*bytes);
    }
    script
}
