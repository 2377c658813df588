//! What programs can import: the whole standard library but for a list with reasons, in every backend.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use azr_executor::testing::permitted_backends;
use azr_executor::{Backend, BackendChoice, Job, Outcome, Python, PythonConfig, Sandbox, Scrutiny};

use jobs::job;

/// Time enough for anything here, on a machine that other tests use too.
const WALL_MS_MAX: u64 = 60_000;

/// The interpreter to test with: that of the environment, or the one that a sandbox finds.
fn start(backend: Backend) -> Python {
    let config = PythonConfig {
        interpreter: std::env::var_os("AZR_PYTHON").map(Into::into),
        lanes: 1.try_into().ok(),
        backend: BackendChoice::Only(backend),
        ..PythonConfig::default()
    };
    Python::start(&config).unwrap_or_else(|error| panic!("{error}"))
}

/// What a program gives, in words.
fn shown(sandbox: &Python, job: &Job) -> String {
    let report = sandbox.run(job).unwrap_or_else(|error| panic!("{error}"));
    match &report.outcomes[0] {
        Outcome::Returned(value) => value.to_string(),
        Outcome::Raised(raised) => format!("{}: {}", raised.class, raised.message),
        other => other.status().to_owned(),
    }
}

/// Programs, an input and what python3 gives.
const PROGRAMS: &[(&str, &str, &str)] = &[
    (
        "from __future__ import annotations\ndef f(x: list[int]) -> int:\n    return sum(x)\n",
        "[1, 2]",
        "3",
    ),
    (
        "from __future__ import division\ndef f(x):\n    return x / 2\n",
        "3",
        "1.5",
    ),
    (
        "import asyncio\nasync def g(x):\n    return x\ndef f(x):\n    return asyncio.run(g(x))\n",
        "3",
        "3",
    ),
    (
        "import unittest\nclass T(unittest.TestCase):\n    pass\ndef f(x):\n    return x\n",
        "3",
        "3",
    ),
    ("import doctest\ndef f(x):\n    return x\n", "3", "3"),
    ("import configparser\ndef f(x):\n    return x\n", "3", "3"),
    (
        "from email.message import EmailMessage\ndef f(x):\n    return x\n",
        "3",
        "3",
    ),
    (
        "from xml.dom import minidom\ndef f(x):\n    return minidom.parseString(x).documentElement.tagName\n",
        "'<a/>'",
        "'a'",
    ),
    (
        "import io, zipfile\ndef f(x):\n    file = io.BytesIO()\n    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as z:\n        z.writestr('a', x)\n    return zipfile.ZipFile(file).read('a')\n",
        "b'abc'",
        "b'abc'",
    ),
    (
        "import sqlite3\ndef f(x):\n    return sqlite3.connect(':memory:').execute('select 1').fetchall()\n",
        "3",
        "[(1,)]",
    ),
    (
        "import importlib.util\ndef f(x):\n    return [importlib.util.find_spec(name) is None for name in x]\n",
        "['numpy', 'ctypes', 'tkinter', 'json', 'wsgiref']",
        "[True, True, True, False, False]",
    ),
    (
        "from concurrent.futures import Future\ndef f(x):\n    future = Future()\n    future.set_result(x)\n    return future.result()\n",
        "3",
        "3",
    ),
    ("import tracemalloc\ndef f(x):\n    return x\n", "3", "3"),
    (
        "from zoneinfo import ZoneInfo, available_timezones\nfrom datetime import datetime\ndef f(x):\n    return str(ZoneInfo('UTC')), str(datetime(2026, 7, 1, tzinfo=ZoneInfo(x)).utcoffset()), x in available_timezones()\n",
        "'Europe/Berlin'",
        "('UTC', '2:00:00', True)",
    ),
    (
        "def f(x):\n    return x.encode('shift_jis'), x.encode('gbk'), x.encode('big5'), x.encode('iso2022_jp'), x.encode('euc_jp')\n",
        "'\\u4e2d'",
        "(b'\\x92\\x86', b'\\xd6\\xd0', b'\\xa4\\xa4', b'\\x1b$BCf\\x1b(B', b'\\xc3\\xe6')",
    ),
    (
        "def f(x):\n    return x.encode('iso8859-15')\n",
        "'\\u00e9'",
        "b'\\xe9'",
    ),
    (
        "def f(x):\n    return x.encode('cp1251')\n",
        "'\\u0436'",
        "b'\\xe6'",
    ),
    (
        "import codecs\ndef f(x):\n    return [codecs.decode(codecs.encode(x, name), name) for name in ('bz2', 'zip', 'uu', 'quopri', 'hex', 'base64')]\n",
        "b'a'",
        "[b'a', b'a', b'a', b'a', b'a', b'a']",
    ),
    (
        "import multiprocessing, subprocess, threading\ndef f(x):\n    return x\n",
        "3",
        "3",
    ),
];

#[test]
fn programs_with_all_kinds_of_modules_give_what_python_gives() {
    for backend in permitted_backends() {
        let sandbox = start(backend);
        for (program, input, expected) in PROGRAMS {
            let job = job(program, &[input], Scrutiny::Check, WALL_MS_MAX);
            assert_eq!(shown(&sandbox, &job), *expected, "{backend}: {program}");
        }
    }
}
