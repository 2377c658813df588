//! What programs can import: the whole standard library but for a list with reasons, in every backend.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;
mod modules;

use std::collections::BTreeMap;
use std::process::Command;

use azr_executor::testing::permitted_backends;
use azr_executor::{Bans, Outcome, Sandbox, Scrutiny, Value};

use jobs::job;
use modules::{WALL_MS_MAX, config, shown, start};

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
        let sandbox = start(&config(backend));
        for (program, input, expected) in PROGRAMS {
            let job = job(program, &[input], Scrutiny::Check, WALL_MS_MAX);
            assert_eq!(shown(&sandbox, &job), *expected, "{backend}: {program}");
        }
    }
}

/// Prints the names of the modules of the standard library that this interpreter can import, one a line.
const IMPORTABLE: &str = r"
import importlib, pkgutil, sys
def inside(name, module):
    for found in pkgutil.iter_modules(getattr(module, '__path__', ()), name + '.'):
        if found.name.rpartition('.')[2] not in ('test', 'tests', '__main__'):
            yield found.name
names, importable = sorted(sys.stdlib_module_names - {'this', 'antigravity', 'test', 'idlelib', 'turtledemo', 'lib2to3'}), []
for name in names:
    try:
        module = importlib.import_module(name)
    except Exception:
        continue
    importable.append(name)
    names.extend(inside(name, module))
print('\n'.join(importable))
";

/// Gives the modules that a program cannot import, with what it is told.
const MISSING: &str = r"
import importlib
def f(names):
    missing = {}
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            missing[name] = type(error).__name__ + ': ' + str(error)
    return missing
";

/// Names that the crate's README says are left out, and why.
fn left_out() -> BTreeMap<String, String> {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("| left out | because |").unwrap();
    let rows = rest
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let [_, names, reason, _] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
        let names = names
            .split(", ")
            .map(|name| name.trim().trim_matches('`').to_owned());
        names
            .map(|name| (name, reason.trim().to_owned()))
            .collect::<Vec<_>>()
    })
    .collect()
}

/// The row of the table that a module's name, or a package that it lies in, stands in.
fn row<'table>(table: &'table BTreeMap<String, String>, name: &str) -> Option<&'table str> {
    let mut packages = name.match_indices('.').map(|(at, _)| &name[..at]);
    packages
        .find_map(|package| table.get(package))
        .or_else(|| table.get(name))
        .map(String::as_str)
}

#[test]
fn what_cannot_be_imported_is_on_the_list_and_says_why() {
    let table = left_out();
    for backend in permitted_backends() {
        let sandbox = start(&config(backend));
        let (interpreter, version) = sandbox.interpreter();
        let plain = Command::new(interpreter)
            .args(["-s", "-S", "-B", "-Wignore", "-c", IMPORTABLE])
            .output()
            .unwrap();
        let plain = String::from_utf8(plain.stdout).unwrap();
        let names: Vec<&str> = plain.split_whitespace().collect();
        assert!(500 < names.len(), "{plain}");
        let mut job = job(
            MISSING,
            &[&format!("{names:?}")],
            Scrutiny::Run,
            WALL_MS_MAX,
        );
        job.limits.memory_bytes_max = 1 << 30;
        let report = sandbox.run(&job).unwrap();
        let Outcome::Returned(Value::Dict(missing)) = &report.outcomes[0] else {
            panic!("{backend}: {:?}", report.outcomes[0]);
        };
        let mut unlisted = Vec::new();
        for (name, error) in missing {
            let (Value::Str(name), Value::Str(error)) = (name, error) else {
                panic!("{name} {error}")
            };
            match row(&table, name) {
                None => unlisted.push(format!("{name}: {error}")),
                Some(reason) if table.contains_key(name) => {
                    let told = format!(
                        "ModuleNotFoundError: No module named '{name}': it is not offered in the sandbox ({reason})"
                    );
                    assert_eq!(*error, told);
                }
                Some(_) => assert!(
                    error.starts_with("ModuleNotFoundError: "),
                    "{name}: {error}"
                ),
            }
        }
        assert!(
            unlisted.is_empty(),
            "{version:?}, {backend}: missing and not on the list: {unlisted:#?}"
        );
        let whole = missing
            .iter()
            .filter(|(name, _)| table.contains_key(name.to_string().trim_matches('\'')));
        let whole: Vec<String> = whole.map(|(name, _)| name.to_string()).collect();
        println!(
            "{backend}, Python {version:?}: {} of {} modules are missing, {} names of the list: {}",
            missing.len(),
            names.len(),
            whole.len(),
            whole.join(" ")
        );
        for name in names.iter().filter(|name| row(&table, name).is_some()) {
            assert!(
                missing.iter().any(|(it, _)| *it == Value::from(*name)),
                "{name} is on the list and can be imported"
            );
        }
    }
}

#[test]
fn a_ban_holds_for_what_is_loaded_later_and_for_programs_only() {
    let program = "
import asyncio, unittest, importlib
async def g(x):
    return x
def f(names):
    there = []
    for name in names:
        try:
            importlib.import_module(name)
            there.append(name)
        except ModuleNotFoundError:
            pass
    return there, asyncio.run(g(3))
";
    let names = "['threading', 'logging', 'logging.handlers', 'multiprocessing', 'multiprocessing.pool', 'subprocess', 'time', 'random', 'wsgiref', 'xml.sax', 'json', 'xml.dom', 'xml.dom.minidom']";
    for backend in permitted_backends() {
        let sandbox = start(&config(backend));
        let mut job = job(program, &[names], Scrutiny::Check, WALL_MS_MAX);
        let banned = ["wsgiref", "xml.sax"].map(str::to_owned);
        job.bans = Bans::paper();
        job.bans.modules.extend(banned);
        let left = "(['json', 'xml.dom', 'xml.dom.minidom'], 3)";
        assert_eq!(shown(&sandbox, &job), left, "{backend}");
    }
}

#[test]
fn what_loads_modules_shows_nothing_of_the_driver() {
    let program = "
import sys, asyncio
def f(x):
    finder, loop = sys.meta_path[-1], asyncio.selector_events.BaseSelectorEventLoop
    found = set(finder.find_spec.__globals__) | set(finder.get_resource_reader('x').contents.__globals__)
    found |= set(loop.__init__.__globals__) | set(loop._make_self_pipe.__globals__)
    return sorted(name for name in found if 'ctypes' in name or name in ('LIBC', 'KEPT', 'main', 'LIBRARY', 'os'))
";
    for backend in permitted_backends() {
        let sandbox = start(&config(backend));
        let job = job(program, &["1"], Scrutiny::Check, WALL_MS_MAX);
        assert_eq!(shown(&sandbox, &job), "[]", "{backend}");
    }
}
