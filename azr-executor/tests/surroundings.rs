//! What a program finds around itself: what a script finds, and nothing of the sandbox.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use azr_executor::Scrutiny;
use jobs::{job, outputs, serving, start};

/// Programs and what they give in a script.
const PROGRAMS: &[(&str, &str)] = &[
    (
        "import sys\ndef f():\n    return sys.getrecursionlimit()\n",
        "1000",
    ),
    (
        "import sys\ndef f():\n    frame, names = sys._getframe(), []\n    while frame:\n        names.append(frame.f_code.co_name)\n        frame = frame.f_back\n    return names\n",
        "['f']",
    ),
    (
        "import sys\nframe, names = sys._getframe(), []\nwhile frame:\n    names.append(frame.f_code.co_name)\n    frame = frame.f_back\ndef f():\n    return names\n",
        "['<module>']",
    ),
    (
        "def g():\n    yield 1\ndef f():\n    it = g()\n    next(it)\n    return it.gi_frame.f_back is None\n",
        "True",
    ),
    (
        "import traceback\ndef f():\n    try:\n        1 / 0\n    except ZeroDivisionError:\n        return [it.name for it in traceback.extract_stack()]\n",
        "['f']",
    ),
    (
        "import gc\ndef f():\n    names = {getattr(it, '__name__', '') for it in gc.get_objects() if type(it) is type(f)}\n    return names & {'serve_at_exit', 'native_settings', 'shut_in', 'main'}\n",
        "set()",
    ),
    (
        "import atexit\ndef f():\n    count = atexit._ncallbacks()\n    atexit._run_exitfuncs()\n    return count\n",
        "0",
    ),
    (
        "import threading\ndef f():\n    return threading._shutdown.__name__, threading.main_thread().is_alive()\n",
        "('_shutdown', True)",
    ),
    (
        "import sys\ndef f():\n    return sys.is_finalizing()\n",
        "False",
    ),
];

#[test]
fn programs_that_are_served_natively_find_what_a_script_finds() {
    for backend in serving() {
        let sandbox = start(1, backend);
        for (program, expected) in PROGRAMS {
            let looks = job(program, &[""], Scrutiny::Run, 60_000);
            assert_eq!(
                outputs(&sandbox, &looks),
                [*expected],
                "{backend}: {program}"
            );
        }
    }
}
