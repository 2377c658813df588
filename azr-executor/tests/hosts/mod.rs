//! Hosts that refuse things: a second instance of the test binary runs on one, under a seccomp filter of the test's.

pub mod profiles;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use azr_executor::testing::permitted_backends;
use azr_executor::{Backend, BackendChoice, Python, PythonConfig};

const LAUNCHER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hosts/host.py");

/// What is refused must become an error, and not a wait. A wait for ever ends here; one for a template that says nothing
/// ends earlier, as another error than the one that a test expects. A busy machine is neither.
const SECONDS_MAX: &str = "300";

/// Set for a second instance of the test binary, which is on the host.
const ON_HOST: &str = "AZR_TEST_IS_ON_HOST";
/// Set beside it where the machine itself permits the snapshot backend, so that what is missing is the host's doing.
const SNAPSHOT_WORKS: &str = "AZR_TEST_SNAPSHOT_WORKS";

/// A system call that a host refuses, with an error number.
#[derive(Debug, Clone, Copy)]
pub struct Refusal(libc::c_long, i32, Option<(u8, Test, u32)>);

/// What the lower half of an argument must be like for a call to be refused.
#[derive(Debug, Clone, Copy)]
pub enum Test {
    Equals = 0,
    HasAny = 1,
    HasNone = 2,
}

/// Whose processes they are, most of it where the tests run as root.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    /// Nothing changes.
    Same,
    /// An ordinary user.
    Nobody,
    /// Root without the capabilities that container engines withhold.
    ContainerRoot,
    /// Root without any.
    BareRoot,
    /// Nothing changes but that the processor time of each process has an end.
    Timed,
}

pub fn refused(call: libc::c_long, error: i32) -> Refusal {
    Refusal(call, error, None)
}

/// Refused where argument `index`, from 0, passes the test.
pub fn refused_when(call: libc::c_long, error: i32, index: u8, test: Test, value: u32) -> Refusal {
    Refusal(call, error, Some((index, test, value)))
}

/// Whether this process is on the host. If not, the test of this name runs on it, in another process.
pub fn is_on_host(test: &str, who: Who, refusals: &[Refusal]) -> bool {
    if std::env::var_os(ON_HOST).is_some() {
        return true;
    }
    let who = match who {
        Who::Same => "same",
        Who::Nobody => "nobody",
        Who::ContainerRoot => "container",
        Who::BareRoot => "bare",
        Who::Timed => "timed",
    };
    let (interpreter, snapshot_works) = here();
    let mut command = Command::new(interpreter);
    command
        .args(["-I", "-S", LAUNCHER, SECONDS_MAX, who])
        .args(refusals.iter().map(Refusal::as_rule))
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ON_HOST, "1");
    if *snapshot_works {
        command.env(SNAPSHOT_WORKS, "1");
    }
    let status = command.status().unwrap();
    assert!(status.success(), "on the host: {status}");
    false
}

/// The interpreter of this machine, and whether the snapshot backend works on it.
fn here() -> &'static (PathBuf, bool) {
    static HERE: OnceLock<(PathBuf, bool)> = OnceLock::new();
    HERE.get_or_init(|| {
        let config = PythonConfig {
            backend: BackendChoice::Only(Backend::Exec),
            ..PythonConfig::default()
        };
        let exec = Python::start(&config).unwrap_or_else(|error| panic!("{error}"));
        let snapshot_works = permitted_backends().contains(&Backend::Snapshot);
        (exec.interpreter().0.to_owned(), snapshot_works)
    })
}

/// Whether the snapshot backend works on this machine where nothing is refused.
pub fn snapshot_works_elsewhere() -> bool {
    std::env::var_os(SNAPSHOT_WORKS).is_some()
}

impl Refusal {
    fn as_rule(&self) -> String {
        let Self(call, error, test) = self;
        match test {
            None => format!("{call},{error}"),
            Some((index, test, value)) => {
                format!("{call},{error},{index},{},{value}", *test as u8)
            }
        }
    }
}
