//! What only a worker that is rolled back has to keep: after any program it is what it was before the first one.

// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use std::collections::HashSet;

use azr_executor::testing::permitted_backends;
use azr_executor::{
    Arguments, Backend, BackendChoice, Bans, Job, Limits, Outcome, Python, PythonConfig, Sandbox,
    Scrutiny,
};
use jobs::WITH_DRIVER;

/// Nothing where the host does not permit it.
fn sandbox() -> Option<Python> {
    if !permitted_backends().contains(&Backend::Snapshot) {
        eprintln!("this host does not permit the snapshot backend: not tried");
        return None;
    }
    let config = PythonConfig {
        lanes: std::num::NonZeroUsize::new(1),
        backend: BackendChoice::Only(Backend::Snapshot),
        ..PythonConfig::default()
    };
    Some(Python::start(&config).unwrap_or_else(|error| panic!("{error}")))
}

fn job(program: &str, input: &str) -> Job {
    Job {
        program: program.to_owned(),
        entry: "f".to_owned(),
        inputs: vec![Arguments::parse(input).unwrap_or_else(|error| panic!("{error}"))],
        scrutiny: Scrutiny::Run,
        bans: Bans::none(),
        limits: Limits {
            wall_ms_max: 20_000,
            cpu_ms_max: 20_000,
            ..Limits::default()
        },
    }
}

fn run(sandbox: &Python, program: &str, input: &str) -> Outcome {
    sandbox
        .run(&job(program, input))
        .unwrap_or_else(|error| panic!("{error}"))
        .outcomes
        .swap_remove(0)
}

/// Programs that write to much, to little, deep, high and wide.
const PROGRAMS: [&str; 9] = [
    "def f(x):\n    return x",
    "def f(x):\n    return sum(bytearray(b'a' * (1 << 22))[::4096])",
    "def f(x):\n    return [[i] * 10 for i in range(5000)][x]",
    "def g(n):\n    return 0 if n == 0 else 1 + g(n - 1)\ndef f(x):\n    return g(800)",
    "import collections, random, re\ndef f(x):\n    random.seed(x)\n    return re.sub('a', 'b', 'aaa'), random.random() < 2, collections.Counter('abca')['a']",
    "import sys\ndef f(x):\n    sys.modules['x'] = 1\n    sys.setrecursionlimit(5000)\n    return sys.intern('word' * 100)[:3]",
    "import decimal\ndef f(x):\n    decimal.getcontext().prec = 99\n    return str(decimal.Decimal(2).sqrt())",
    "def f(x):\n    raise ValueError([bytes(1 << 20)])",
    "import gc\nclass A:\n    pass\ndef f(x):\n    for i in range(3000):\n        a = A()\n        a.a = a\n    return gc.collect() > 0",
];

#[test]
fn every_page_is_what_it_was_before_the_first_program() {
    let Some(sandbox) = sandbox() else { return };
    for round in 0..40 {
        for program in PROGRAMS {
            let outcome = run(&sandbox, program, "3");
            assert!(
                matches!(outcome, Outcome::Returned(_) | Outcome::Raised(_)),
                "{program}: {outcome:?}"
            );
            if round % 8 == 0 {
                assert_eq!(sandbox.audit().unwrap(), 0, "after {program}");
            }
        }
    }
    assert_eq!(sandbox.audit().unwrap(), 0);
}

#[test]
fn what_programs_can_ask_of_their_process_is_the_same_every_time() {
    let Some(sandbox) = sandbox() else { return };
    let program = "import os, time, random, sys\ndef f(x):\n    return os.getpid(), id(object()), id([]), hash('a'), random.random(), len(sys.modules), sys.getrecursionlimit()";
    let first = shown(&run(&sandbox, program, "1"));
    let mut seen = HashSet::from([first]);
    for other in PROGRAMS {
        run(&sandbox, other, "3");
        seen.insert(shown(&run(&sandbox, program, "1")));
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Returned(value) => value.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_kernel_acts_on_nothing_that_a_program_leaves() {
    let Some(sandbox) = sandbox() else { return };
    // Restartable sequences would let a program choose what the worker does before it is rolled back.
    let program = "def f(number):\n    c = driver()['ctypes']\n    place = c.addressof(c.create_string_buffer(4096))\n    c.set_errno(0)\n    return c.CDLL(None, use_errno=True).syscall(c.c_long(number), c.c_void_p((place + 63) // 64 * 64), 32, 0, 0x53053053), c.get_errno()";
    let [rseq, set_robust_list, sigaltstack, set_tid_address] = ["334", "273", "131", "218"];
    for number in [rseq, set_robust_list, sigaltstack, set_tid_address] {
        let outcome = run(&sandbox, &format!("{WITH_DRIVER}{program}"), number);
        assert_eq!(shown(&outcome), "(-1, 1)", "system call {number}");
    }
}

/// Makes a system call of the program's own, or reads memory, as its argument says.
const NATIVE: &str = r"
def f(what):
    c = driver()['ctypes']
    syscall = c.CDLL(None).syscall
    syscall.restype = c.c_long
    block = bytearray(1 << 20)
    at = c.addressof(c.c_char.from_buffer(block)) & ~4095
    code = c.cast(syscall, c.c_void_p).value & ~4095
    area = at >> 32 << 32
    free, end, fresh = area + (1 << 30), area + (1 << 32), 0x100022
    call = lambda *words: syscall(*map(c.c_long, words))
    mark = lambda place: c.memset(place, 7, 4096) == place
    is_marked = lambda place: c.string_at(place, 4) == bytes([7] * 4)
    return eval(what)
";

fn native(sandbox: &Python, what: &str) -> Outcome {
    run(
        sandbox,
        &format!("{WITH_DRIVER}{NATIVE}"),
        &format!("{what:?}"),
    )
}

#[test]
fn a_program_maps_memory_in_its_area_only() {
    let Some(sandbox) = sandbox() else { return };
    for permitted in [
        "call(9, free, 4096, 3, fresh, -1, 0) == free",
        "call(25, at, 1 << 20, 1 << 20, 3, free) == free",
        "call(11, at, 1 << 20) == 0",
    ] {
        assert_eq!(shown(&native(&sandbox, permitted)), "True", "{permitted}");
    }
    for refused in [
        // New memory: anywhere, over code, executable, shared, outside the area, longer than a block.
        "call(9, 0, 4096, 3, 0x22, -1, 0)",
        "call(9, code, 4096, 3, 0x32, -1, 0)",
        "call(9, free, 4096, 7, fresh, -1, 0)",
        "call(9, free, 4096, 3, 0x100021, -1, 0)",
        "call(9, end, 4096, 3, fresh, -1, 0)",
        "call(9, area - 4096, 4096, 3, fresh, -1, 0)",
        "call(9, free, 1 << 32, 3, fresh, -1, 0)",
        // Memory taken away: code, and more than the area.
        "call(11, code, 4096)",
        "call(11, area, 1 << 33)",
        // Memory moved: out of the area, anywhere, into it.
        "call(25, at, 1 << 20, 1 << 20, 3, area - (1 << 30))",
        "call(25, at, 1 << 20, 1 << 24, 1, area)",
        "call(25, code, 4096, 4096, 3, free)",
        // Memory changed: writable code, a page of zeros.
        "call(10, code, 4096, 7)",
        "call(28, at, 4096, 4)",
    ] {
        assert_eq!(shown(&native(&sandbox, refused)), "-1", "{refused}");
    }
    assert_eq!(sandbox.audit().unwrap(), 0);
}

#[test]
fn what_one_program_maps_is_gone_for_the_next() {
    let Some(sandbox) = sandbox() else { return };
    for place in ["area", "free", "end - 4096", "end + (100 << 20) - 4096"] {
        let start = format!("min({place}, end - 4096)");
        let map = format!(
            "call(11, area, 17 << 20), call(9, {start}, {place} + 4096 - {start}, 3, fresh, -1, 0) == {start} and mark({place}) and is_marked({place})"
        );
        assert_eq!(shown(&native(&sandbox, &map)), "(0, True)", "{place}");
        if place != "area" {
            let read = native(&sandbox, &format!("is_marked({place})"));
            assert!(matches!(read, Outcome::Killed { .. }), "{place}: {read:?}");
        }
        assert_eq!(shown(&native(&sandbox, "is_marked(at)")), "False");
    }
}

/// A call with a number of the x32 interface, which kills at once and for good.
const LOSES_WORKER: &str = "call(0x40000027)";

#[test]
fn the_birth_of_a_worker_is_no_programs_time() {
    let Some(sandbox) = sandbox() else { return };
    for _ in 0..5 {
        let lost = native(&sandbox, LOSES_WORKER);
        assert!(matches!(lost, Outcome::Denied(_)), "{lost:?}");
        let job = Job {
            limits: Limits {
                wall_ms_max: 5,
                ..Limits::default()
            },
            ..job("def f(x):\n    while True: pass", "1")
        };
        let outcomes = sandbox.run(&job).unwrap().outcomes;
        assert!(
            matches!(outcomes[0], Outcome::Exceeded(_)),
            "{:?}",
            outcomes[0]
        );
    }
}

#[test]
fn a_program_that_ends_at_its_deadline_leaves_nothing() {
    let Some(sandbox) = sandbox() else { return };
    // It writes to many pages, and ends when the signal that ends its time is on its way.
    let program = "import builtins, time\nstart = time.perf_counter()\ndef f(ends):\n    many = [str(i) for i in range(12000)]\n    builtins.len = lambda it: 99\n    while time.perf_counter() < start + ends: pass\n    return 1";
    for hundredths in 900..1_000 {
        let late = Job {
            limits: Limits {
                wall_ms_max: 10,
                ..Limits::default()
            },
            ..job(program, &format!("{}e-5", hundredths))
        };
        sandbox.run(&late).unwrap();
        let next = run(&sandbox, "def f(x):\n    return len(x)", "[1, 2, 3]");
        assert_eq!(shown(&next), "3", "{hundredths}");
    }
    assert_eq!(sandbox.audit().unwrap(), 0);
}

#[test]
fn every_worker_is_born_the_same() {
    let Some(sandbox) = sandbox() else { return };
    let program = "def f(x):\n    return id(bytes(x)), [v % 97 for v in map(id, {object() for _ in range(400)})]";
    let first = shown(&run(&sandbox, program, "5000"));
    for _ in 0..3 {
        native(&sandbox, LOSES_WORKER);
        assert_eq!(first, shown(&run(&sandbox, program, "5000")));
    }
}

#[test]
fn the_stack_of_one_program_takes_no_memory_from_the_next() {
    let Some(sandbox) = sandbox() else { return };
    let large = "def f(x):\n    return len(bytes((256 << 20) - (1 << 20)))";
    let deep = "import sys\nclass L:\n    def __init__(s, n): s.n = n\n    def __eq__(s, o): return True if s.n == 0 else L(s.n - 1) == o\ndef f(x):\n    sys.setrecursionlimit(100000)\n    return L(x) == 1";
    let before = run(&sandbox, large, "1");
    run(&sandbox, deep, "9000");
    assert_eq!(before, run(&sandbox, large, "1"));
}

#[test]
fn a_worker_that_a_program_ends_is_replaced() {
    let Some(sandbox) = sandbox() else { return };
    for ending in [
        "import os\ndef f(x):\n    os._exit(0)",
        "import os\ndef f(x):\n    os.abort()",
        "def f(x):\n    while True: pass",
        "def f(x):\n    return [bytes(1 << 20) for _ in range(1 << 20)]",
    ] {
        let job = Job {
            limits: Limits {
                cpu_ms_max: 300,
                ..Limits::default()
            },
            ..job(ending, "1")
        };
        let outcome = sandbox
            .run(&job)
            .unwrap_or_else(|error| panic!("{error}"))
            .outcomes
            .swap_remove(0);
        assert!(!matches!(outcome, Outcome::Returned(_)), "{outcome:?}");
        let next = run(&sandbox, "def f(x):\n    return x + 1", "1");
        assert!(
            matches!(&next, Outcome::Returned(value) if value.to_string() == "2"),
            "{next:?}"
        );
        assert_eq!(sandbox.audit().unwrap(), 0);
    }
}

/// Goes to the instruction in the trap that a worker stops at when its heap does not end where it ended.
const PRETENDS: &str = "
def f(x):
    ctypes = driver()['ctypes']
    allocator = (ctypes.c_void_p * 5)()
    ctypes.pythonapi.PyMem_GetAllocator(0, allocator)
    here = allocator[1] & ~0xfff
    for page in sorted(range(here - 24 * 4096, here + 24 * 4096, 4096), key=lambda it: abs(it - here)):
        code = ctypes.string_at(page, 4096)
        at = code.find(bytes.fromhex('cc4d85f674'))
        if 0 <= at:
            ctypes.CFUNCTYPE(None)(page + code.index(bytes.fromhex('0f0b'), at))()
    return 'there is no such place'
";

#[test]
fn a_program_that_pretends_that_none_has_begun_is_killed() {
    let Some(sandbox) = sandbox() else { return };
    for _ in 0..3 {
        let pretends = run(&sandbox, &format!("{WITH_DRIVER}{PRETENDS}"), "3");
        assert_eq!(
            pretends,
            Outcome::Killed {
                signal: libc::SIGKILL
            }
        );
        let honest = run(&sandbox, "def f(x):\n    return x", "3");
        assert_eq!(honest, Outcome::Returned(3.into()));
    }
    assert_eq!(sandbox.audit().unwrap(), 0);
}

#[test]
fn what_the_kernel_was_asked_for_is_not_gone_on_with_for_the_next() {
    let Some(sandbox) = sandbox() else { return };
    // A sleep for a time, not until one, is what the kernel remembers when it is interrupted.
    let sleeps = "(lambda call, place, time: call(35, place(time), 0))(call, c.addressof, (c.c_long * 2)(3, 0))";
    let mut sleeps = job(&format!("{WITH_DRIVER}{NATIVE}"), &format!("{sleeps:?}"));
    sleeps.limits.wall_ms_max = 300;
    let outcomes = sandbox.run(&sleeps).unwrap().outcomes;
    assert_eq!(outcomes[0].status(), "timeout");
    let restarted = native(&sandbox, "call(219)");
    assert_eq!(restarted, Outcome::Returned((-1).into()));
}

#[test]
fn what_one_program_maps_is_not_unmapped_in_the_next_ones_time() {
    let Some(sandbox) = sandbox() else { return };
    // So many mappings that it takes many milliseconds to unmap them.
    let maps = "(lambda call, free, fresh: max(map(lambda i: call(9, free + i * 8192, 4096, 3, fresh, -1, 0), range(60000))) == free + 59999 * 8192)(call, free, fresh)";
    let mut next = job("def f(x):\n    return x", "3");
    next.limits.wall_ms_max = 1;
    let is_in_time = |_: &i32| {
        assert_eq!(shown(&native(&sandbox, maps)), "True");
        let outcomes = sandbox.run(&next).unwrap().outcomes;
        outcomes == [Outcome::Returned(3.into())]
    };
    // A busy machine may keep it waiting for longer than that, but not each time.
    assert!((0..100).find(is_in_time).is_some());
    assert_eq!(sandbox.audit().unwrap(), 0);
}
