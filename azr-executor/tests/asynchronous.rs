//! Programs that wait: coroutines work without a descriptor, and whatever needs a thread says so.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;
mod modules;

use azr_executor::Scrutiny;
use azr_executor::testing::permitted_backends;

use jobs::job;
use modules::{WALL_MS_MAX, config, shown, start};

/// The body of a program's coroutine, and what the program gives.
const COROUTINES: &[(&str, &str)] = &[
    ("return x", "3"),
    ("await asyncio.sleep(0)\n    return x", "3"),
    (
        "async def g(i):\n        await asyncio.sleep(0.1 * i)\n        order.append(i)\n        return i * i\n    order = []\n    squares = await asyncio.gather(g(3), g(1), g(2))\n    return squares, order",
        "([9, 1, 4], [1, 2, 3])",
    ),
    (
        "try:\n        await asyncio.wait_for(asyncio.sleep(3600), 0.01)\n    except asyncio.TimeoutError:\n        return 'late'",
        "'late'",
    ),
    (
        "queue = asyncio.Queue(1)\n    async def put():\n        for i in range(x):\n            await queue.put(i)\n    task = asyncio.create_task(put())\n    got = [await queue.get() for i in range(x)]\n    await task\n    return got",
        "[0, 1, 2]",
    ),
    (
        "lock, event = asyncio.Lock(), asyncio.Event()\n    asyncio.get_running_loop().call_later(0.001, event.set)\n    async with lock:\n        await event.wait()\n    return lock.locked()",
        "False",
    ),
    ("raise ValueError('no')", "ValueError: no"),
    ("return await asyncio.to_thread(len, 'abc')", REFUSED),
    (
        "return await asyncio.get_running_loop().run_in_executor(None, len, 'abc')",
        REFUSED,
    ),
];

/// What a program is told that starts a thread.
const REFUSED: &str = "RuntimeError: can't start new thread";

/// Python 3.12 has other words for it where programs are served natively.
fn without_version(shown: String) -> String {
    shown.replace(
        "can't create new thread at interpreter shutdown",
        "can't start new thread",
    )
}

#[test]
fn coroutines_run_and_threads_are_refused() {
    for backend in permitted_backends() {
        let sandbox = start(&config(backend));
        for (body, expected) in COROUTINES {
            let program = format!(
                "import asyncio\nasync def main(x):\n    {body}\ndef f(x):\n    return asyncio.run(main(x))\n"
            );
            let job = job(&program, &["3"], Scrutiny::Check, WALL_MS_MAX);
            assert_eq!(
                without_version(shown(&sandbox, &job)),
                *expected,
                "{backend}: {body}"
            );
        }
    }
}

#[test]
fn threads_are_refused_in_words() {
    let program = "
import threading
from concurrent.futures import ThreadPoolExecutor
def f(how):
    if how == 'thread':
        threading.Thread(target=len).start()
    with ThreadPoolExecutor() as pool:
        if how == 'map':
            return list(pool.map(str, [1, 2]))
        return pool.submit(len, 'abc').result()
";
    for backend in permitted_backends() {
        let sandbox = start(&config(backend));
        for how in ["'thread'", "'map'", "'submit'"] {
            let job = job(program, &[how], Scrutiny::Check, WALL_MS_MAX);
            assert_eq!(
                without_version(shown(&sandbox, &job)),
                REFUSED,
                "{backend}: {how}"
            );
        }
    }
}

#[test]
fn what_nothing_wakes_waits_until_its_time_is_over() {
    let program = "import asyncio\nasync def main():\n    await asyncio.Event().wait()\ndef f(x):\n    asyncio.run(main())\n";
    for backend in permitted_backends() {
        let sandbox = start(&config(backend));
        let waits = job(program, &["3"], Scrutiny::Run, 500);
        assert_eq!(shown(&sandbox, &waits), "timeout", "{backend}");
        let next = job(jobs::DOUBLES, &["3"], Scrutiny::Run, WALL_MS_MAX);
        assert_eq!(shown(&sandbox, &next), "6", "{backend}");
    }
}
