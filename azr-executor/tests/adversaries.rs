//! Programs that attack. Each test is a claim of docs/threat-model.md and bears its name there; each program is followed
//! by one whose answer is known.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use azr_executor::testing::{self, Case, Expected};
use azr_executor::{BackendChoice, Python, PythonConfig, Scrutiny};
use jobs::WITH_DRIVER;

/// A program with `pages()`, which gives the memory that requests and results travel in.
fn with_pages(program: &str) -> String {
    format!("{WITH_DRIVER}{PAGES}{program}")
}

/// By address under the native part; in the driver's frames where there is none.
const PAGES: &str = "
def pages():
    names = driver()
    if names['KEPT']:
        page = names['ctypes'].c_char * (16 << 20)
        return [page.from_address(at) for at in names['KEPT'][2][4:6]]
    frame = sys._getframe()
    while not ('request' in frame.f_locals and 'result' in frame.f_locals):
        frame = frame.f_back
    return frame.f_locals['request'], frame.f_locals['result']
";

fn withstand(cases: &[(&str, Expected)]) {
    let cases: Vec<Case> = cases
        .iter()
        .map(|&(program, expected)| Case {
            promise: program,
            program,
            input: "1",
            scrutiny: Scrutiny::Run,
            expected,
        })
        .collect();
    for backend in testing::permitted_backends() {
        let config = PythonConfig {
            backend: BackendChoice::Only(backend),
            ..PythonConfig::default()
        };
        let sandbox = Python::start(&config).unwrap_or_else(|error| panic!("{error}"));
        testing::withstand(&sandbox, &cases);
    }
}

const REFUSED: Expected = Expected::Status(&["error", "denied", "killed"]);
const STOPPED: Expected = Expected::Status(&["timeout", "memory", "killed", "error"]);

#[test]
fn time_and_memory_have_ends() {
    withstand(&[
        (
            "def f(x):\n    try:\n        while True: pass\n    except BaseException:\n        return 42",
            Expected::Status(&["timeout"]),
        ),
        ("def f(x):\n    return len(str(7 ** (8 ** 8)))", STOPPED),
        (
            "import signal\nfor n in (signal.SIGXCPU, signal.SIGALRM, signal.SIGTERM, signal.SIGINT):\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\ndef f(x):\n    while True: pass",
            Expected::Status(&["timeout"]),
        ),
        (
            "def f(x):\n    a = []\n    while True: a.append(bytearray(1 << 20))",
            Expected::Status(&["memory"]),
        ),
        (
            "import mmap\ndef f(x):\n    a = []\n    while True:\n        m = mmap.mmap(-1, 1 << 26)\n        m[:4096] = b'x' * 4096\n        a.append(m)",
            STOPPED,
        ),
        (
            "import sys\nsys.setrecursionlimit(10 ** 8)\ndef f(x):\n    return f(x)",
            STOPPED,
        ),
        (
            "def f(x):\n    class D:\n        def __del__(self):\n            while True: pass\n    global keep\n    keep = D()\n    return 7",
            Expected::Value("7"),
        ),
        (
            "def f(x):\n    return (lambda g: g(g))(lambda g: [g(g)])",
            Expected::Status(&["error", "memory", "killed"]),
        ),
    ]);
}

#[test]
fn no_process_comes_of_a_program() {
    withstand(&[
        ("import os\ndef f(x):\n    while True: os.fork()", REFUSED),
        (
            "import signal\ndef f(x):\n    signal.signal(signal.SIGTERM, lambda *_: None)",
            Expected::Class("PermissionError"),
        ),
        (
            "import os\ndef f(x):\n    return os.posix_spawn('/bin/true', ['true'], {})",
            REFUSED,
        ),
        (
            "import os\ndef f(x):\n    os.execv('/bin/sh', ['sh', '-c', 'true'])",
            Expected::Status(&["denied"]),
        ),
        (
            "import subprocess\ndef f(x):\n    return subprocess.run(['true']).returncode",
            REFUSED,
        ),
        (
            "import os\ndef f(x):\n    return os.system('true')",
            Expected::Status(&["ok", "error", "denied"]),
        ),
        (
            "import threading\ndef f(x):\n    threading.Thread(target=print).start()\n    return 1",
            REFUSED,
        ),
        (
            "import multiprocessing\ndef f(x):\n    return multiprocessing.Pool(1).map(abs, [1])",
            REFUSED,
        ),
        (
            "import os, signal\ndef f(x):\n    os.kill(os.getppid() or 1, signal.SIGKILL)",
            REFUSED,
        ),
        ("import os\ndef f(x):\n    os.kill(-1, 9)", REFUSED),
        ("import os\ndef f(x):\n    os.killpg(0, 9)", REFUSED),
        (
            "import os, signal\ndef f(x):\n    signal.pidfd_send_signal(os.pidfd_open(os.getpid()), 9)",
            REFUSED,
        ),
        (
            "import os\ndef f(x):\n    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(9))",
            REFUSED,
        ),
        (
            "import resource\ndef f(x):\n    resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))",
            REFUSED,
        ),
        (
            "import resource\ndef f(x):\n    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
            REFUSED,
        ),
    ]);
}

#[test]
fn there_are_no_files() {
    withstand(&[
        ("def f(x):\n    return open('/etc/passwd').read()", REFUSED),
        ("import os\ndef f(x):\n    return os.listdir('/')", REFUSED),
        (
            "import os\ndef f(x):\n    return os.path.exists('/') or os.path.exists('/proc/self')",
            Expected::Value("False"),
        ),
        (
            "def f(x):\n    made = []\n    for d in ('/', '/tmp', '/dev/shm', '/var/tmp', '/run', '.', '/proc/self', '/dev'):\n        try:\n            open(d + '/azr-was-here', 'w').write('x')\n            made.append(d)\n        except OSError:\n            pass\n    return made",
            Expected::Value("[]"),
        ),
        (
            "import os\ndef f(x):\n    return os.memfd_create('x')",
            REFUSED,
        ),
        ("import os\ndef f(x):\n    return os.mkfifo('/x')", REFUSED),
        (
            "import os\ndef f(x):\n    return sorted(os.environ)",
            Expected::Value("[]"),
        ),
        (
            "import os\ndef f(x):\n    kept = []\n    for n in range(3, 256):\n        try:\n            os.fstat(n)\n            kept.append(n)\n        except OSError:\n            pass\n    return kept",
            Expected::Value("[]"),
        ),
        (
            "import os\ndef f(x):\n    os.chroot('/')",
            Expected::Status(&["denied", "error"]),
        ),
        (
            "def f(x):\n    return __import__('os').popen('id').read()",
            REFUSED,
        ),
    ]);
}

#[test]
fn there_is_no_network() {
    withstand(&[
        (
            "import socket\ndef f(x):\n    return socket.create_connection(('127.0.0.1', 80), 1)",
            REFUSED,
        ),
        (
            "import socket\ndef f(x):\n    return socket.socketpair()",
            REFUSED,
        ),
        (
            "import socket\ndef f(x):\n    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
            REFUSED,
        ),
        (
            "import socket\ndef f(x):\n    return socket.socket(fileno=0)",
            REFUSED,
        ),
        (
            "import socket\ndef f(x):\n    return socket.gethostname()",
            Expected::Value("'sandbox'"),
        ),
    ]);
}

#[test]
fn objects_cannot_lie_about_what_they_are() {
    withstand(&[
        (
            "def f(x):\n    return type('X', (), {'__eq__': lambda s, o: True})()",
            Expected::Class("UnsupportedType"),
        ),
        (
            "class S(str):\n    def __eq__(self, o): return True\n    __hash__ = None\ndef f(x):\n    return S('a')",
            Expected::Class("UnsupportedType"),
        ),
        (
            "class E:\n    __class__ = int\n    def __index__(self): return 42\n    def __repr__(self): return '42'\ndef f(x):\n    return [E()]",
            Expected::Class("UnsupportedType"),
        ),
        (
            "class K:\n    def __init__(self, d): self.d = d\n    def __hash__(self): return 1\n    def __eq__(self, o):\n        self.d.clear()\n        return False\ndef f(x):\n    d = {}\n    d[K(d)] = 1\n    d[K(d)] = 2\n    return d",
            Expected::Class("UnsupportedType"),
        ),
        (
            "class M(type):\n    @property\n    def __name__(cls):\n        while True: pass\nclass E(Exception, metaclass=M):\n    def __str__(self):\n        while True: pass\n    __repr__ = __str__\ndef f(x):\n    raise E()",
            Expected::Class("E"),
        ),
        (
            "class E(Exception):\n    def __setattr__(self, n, v):\n        while True: pass\n    def __getattribute__(self, n):\n        while True: pass\ndef f(x):\n    raise E('text')",
            Expected::Class("E"),
        ),
        (
            "class L(list):\n    def __iter__(self):\n        while True: pass\n    def __len__(self): return 0\ndef f(x):\n    return L([1])",
            Expected::Class("UnsupportedType"),
        ),
        (
            "import enum\nclass C(enum.IntEnum):\n    A = 1\ndef f(x):\n    return C.A",
            Expected::Class("UnsupportedType"),
        ),
        (
            "def f(x):\n    raise type('x' * 10 ** 6, (Exception,), {})('y' * 10 ** 6)",
            Expected::Status(&["error"]),
        ),
        (
            "def f(x):\n    raise type('a\\x1b[2Jb', (Exception,), {})()",
            Expected::Class("a\u{fffd}[2Jb"),
        ),
        (
            "def f(x):\n    return '\\ud800'",
            Expected::Class("UnsupportedType"),
        ),
        (
            "def f(x):\n    n = float('nan')\n    return {n: 1, -n: 2}",
            Expected::Class("UnsupportedType"),
        ),
    ]);
}

#[test]
fn patched_builtins_change_nothing_but_the_program_itself() {
    withstand(&[
        (
            "import builtins, sys\ndef f(x):\n    builtins.__dict__.clear()\n    sys.modules.clear()\n    return 7",
            Expected::Value("7"),
        ),
        (
            "import builtins\nfor n in ('repr', 'len', 'type', 'iter', 'bytes', 'int', 'BaseException'):\n    setattr(builtins, n, None)\ndef f(x):\n    return 7",
            Expected::Value("7"),
        ),
        (
            "import sys\nsys.setrecursionlimit(60)\nsys.settrace(lambda *a: 1 / 0)\ndef f(x):\n    return [7]",
            Expected::Status(&["ok", "error"]),
        ),
        (
            "import sys\ndef f(x):\n    sys.setprofile(lambda *a: 1 / 0)\n    return [7]",
            Expected::Status(&["ok", "error"]),
        ),
        (
            "import struct, os, json, math\nstruct.pack = os._exit = json.dumps = math.sqrt = None\ndef f(x):\n    return 7",
            Expected::Value("7"),
        ),
        (
            "import gc\nclass T:\n    def __del__(self): T.n = [T() for _ in range(3)]\ndef f(x):\n    gc.set_threshold(1)\n    T()\n    return [[i] for i in range(2000)][-1]",
            Expected::Value("[1999]"),
        ),
        (
            "import decimal, sys\ndecimal.getcontext().prec = 1\nsys.setswitchinterval(1e-6)\nsys.path[:] = ['/nowhere']\ndef f(x):\n    return 7",
            Expected::Value("7"),
        ),
        (
            "import sys\nclass F:\n    def find_spec(self, *a): raise SystemExit(0)\nsys.meta_path.insert(0, F())\ndef f(x):\n    return 7",
            Expected::Value("7"),
        ),
    ]);
}

#[test]
fn leaving_early_or_crashing_is_never_a_result() {
    withstand(&[
        ("import os\nos._exit(0)", Expected::Status(&["killed"])),
        (
            "import os\ndef f(x):\n    os._exit(3)",
            Expected::Status(&["killed"]),
        ),
        (
            "import os\ndef f(x):\n    os.abort()",
            Expected::Status(&["killed"]),
        ),
        (
            "def g(): return 1\ndef f(x):\n    c = g.__code__\n    return eval(c.replace(co_code=bytes([100, 255]) + c.co_code[2:], co_consts=()))",
            Expected::Status(&["killed", "error", "ok"]),
        ),
        (
            &with_pages(
                "import os\ndef f(x):\n    request, result = pages()\n    result[:64] = b'\\xff' * 64\n    os._exit(0)",
            ),
            Expected::Status(&["killed"]),
        ),
        // A forged result, complete with the nonce: what a program returns is its own affair, but it is no value.
        (
            &with_pages(
                "import os\ndef f(x):\n    request, result = pages()\n    result[64:74] = b'R' + b'm' + b'\\xff' * 8\n    result[20:24] = b'\\xff\\xff\\xff\\xff'\n    result[:16] = request[:16]\n    os._exit(0)",
            ),
            Expected::Status(&["error", "killed"]),
        ),
    ]);
}

#[test]
fn nothing_of_one_program_is_found_by_the_next() {
    let plant = with_pages(
        "import builtins\nsys.azr_mark = builtins.azr_mark = ['AZR-' + 'MARK'] * 9\ndef f(x):\n    request, result = pages()\n    result[1 << 20:(1 << 20) + 8] = result[4096:4104] = result[2048:2056] = b'AZR-' + b'MARK'\n    return len(sys.azr_mark)",
    );
    let seek = with_pages(
        "import builtins\ndef f(x):\n    mark = b'AZR-' + b'MARK'\n    found = [hasattr(builtins, 'azr_mark'), hasattr(sys, 'azr_mark')]\n    found += [page[:].find(mark) != -1 for page in pages()]\n    return any(found), len(found)",
    );
    withstand(&[
        (&plant, Expected::Value("9")),
        (&seek, Expected::Value("(False, 4)")),
    ]);
}

#[test]
fn a_program_cannot_change_what_it_is_asked() {
    let program = with_pages("def f(x):\n    request, result = pages()\n    request[0] = 1");
    withstand(&[(&program, Expected::Status(&["error", "killed"]))]);
}
