//! What a backend needs of a host beside its layers: by name when the host refuses it, and with what helps.

use std::io;

use crate::SandboxError;
use crate::python::Backend;

/// A step that a host may refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// A template's descriptor of a worker.
    Handle,
    /// A worker.
    Fork,
    /// A worker that is traced.
    Trace,
    /// The descriptor that watches a worker's memory.
    FaultDescriptor,
    /// Its asynchronous write protection.
    Protection,
    /// The list of what was written.
    Scan,
    /// A copy of a worker's descriptor.
    TakeDescriptor,
    /// The layers of a worker that is rolled back.
    ShutIn,
    /// As much processor time as many programs take.
    ProcessorTime,
    /// Memory that is shared with templates.
    SharedMemory,
    /// A signal to whoever is behind a descriptor.
    Signal,
    /// Workers of an ordinary user: root may start processes without end, and forked workers have no other wall.
    User,
    /// The processor that rolling back is written for.
    Processor,
}

/// Those that templates report, by the numbers that they have in `native/host.rs`, from 1.
const REPORTED: [Need; 9] = [
    Need::Handle,
    Need::Fork,
    Need::Trace,
    Need::FaultDescriptor,
    Need::Protection,
    Need::Scan,
    Need::TakeDescriptor,
    Need::ShutIn,
    Need::ProcessorTime,
];

impl Need {
    fn name(self) -> &'static str {
        match self {
            Self::Handle => "pidfd_open",
            Self::Fork => "fork",
            Self::Trace => "ptrace",
            Self::FaultDescriptor => "userfaultfd",
            Self::Protection => "asynchronous write protection by userfaultfd",
            Self::Scan => "PAGEMAP_SCAN",
            Self::TakeDescriptor => "pidfd_getfd",
            Self::ShutIn => "seccomp or landlock for a worker",
            Self::ProcessorTime => "processor time without a limit",
            Self::SharedMemory => "memfd_create",
            Self::Signal => "pidfd_send_signal",
            Self::User => "giving up root",
            Self::Processor => "rolling back on this processor",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Handle => "use Linux 5.3 or newer and allow pidfd_open in the seccomp profile",
            Self::Fork => {
                "raise the limit on processes (ulimit -u, or the pids limit of the container)"
            }
            Self::Trace => {
                "allow ptrace in the seccomp profile, and set sysctl kernel.yama.ptrace_scope to 1 or 0"
            }
            Self::FaultDescriptor => {
                "use a kernel with CONFIG_USERFAULTFD and allow userfaultfd in the seccomp profile, \
                 which those of containers do not unless told"
            }
            Self::Protection | Self::Scan => "use Linux 6.7 or newer",
            Self::TakeDescriptor => {
                "use Linux 5.6 or newer and allow pidfd_getfd in the seccomp profile, as those of containers do with \
                 --cap-add SYS_PTRACE"
            }
            Self::ShutIn => {
                "use a kernel with CONFIG_SECCOMP_FILTER, and allow prctl, seccomp and landlock_restrict_self in the \
                 seccomp profile"
            }
            Self::ProcessorTime => "lift the limit on it (ulimit -t unlimited)",
            Self::SharedMemory => "allow memfd_create in the seccomp profile",
            Self::Signal => {
                "use Linux 5.1 or newer and allow pidfd_send_signal in the seccomp profile"
            }
            Self::User => {
                "start as an ordinary user, or as root with CAP_SYS_ADMIN, CAP_SETUID and CAP_SETGID"
            }
            Self::Processor => "use x86-64",
        }
    }

    /// Whether no backend can do without.
    fn is_everyones(self) -> bool {
        self == Self::SharedMemory
    }

    /// The host said no, and why.
    pub(super) fn refused(self, source: io::Error) -> io::Error {
        let kind = source.kind();
        let name = self.name();
        io::Error::new(
            kind,
            Refused {
                need: self,
                name,
                source,
            },
        )
    }
}

/// A host's no, as it travels in an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{name} is refused ({source})")]
struct Refused {
    need: Need,
    name: &'static str,
    source: io::Error,
}

/// Bits of a template's report that hold the error number; the need is above them.
const ERROR_BITS: u32 = 16;

/// What a template reports by a number.
pub(super) fn reported(number: i32) -> io::Error {
    let error = io::Error::from_raw_os_error(number & ((1 << ERROR_BITS) - 1));
    let need = usize::try_from(number >> ERROR_BITS).ok();
    let need = need.and_then(|number| REPORTED.get(number.checked_sub(1)?));
    match need {
        Some(need) => need.refused(error),
        None => error,
    }
}

/// Whether trying again is in vain: nobody refuses a thing and permits it a moment later, except a new process.
pub(super) fn is_final(error: &io::Error) -> bool {
    need(error).is_some_and(|need| need != Need::Fork)
}

/// Why a backend does not start.
pub(super) fn of_backend(backend: Backend, source: io::Error) -> SandboxError {
    match need(&source) {
        Some(need) if need.is_everyones() => SandboxError::Host {
            remedy: need.remedy(),
            source,
        },
        found => SandboxError::Backend {
            backend,
            remedy: found.map_or(
                "raise the limits on memory and processes (ulimit -a)",
                Need::remedy,
            ),
            source,
        },
    }
}

/// Whether an error is a host's no, rather than an interpreter's.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    need(error).is_some()
}

fn need(error: &io::Error) -> Option<Need> {
    let refused = error.get_ref()?.downcast_ref::<Refused>()?;
    Some(refused.need)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_template_reports_is_named_or_at_least_the_error() {
        let userfaultfd = reported(4 << 16 | libc::EPERM).to_string();
        assert!(
            userfaultfd.contains("userfaultfd") && userfaultfd.contains("os error 1"),
            "{userfaultfd}"
        );
        for number in [libc::EPERM, 99 << 16 | libc::EPERM, -1 << 16 | libc::EPERM] {
            assert_eq!(
                reported(number).raw_os_error(),
                Some(libc::EPERM),
                "{number}"
            );
        }
    }

    #[test]
    fn a_template_and_its_supervisor_number_needs_alike() {
        let native = include_str!("../../native/host.rs");
        for (number, need) in (1..).zip(REPORTED) {
            let line = format!("    {need:?} = {number},");
            assert!(native.contains(&line), "{line} is not in native/host.rs");
        }
    }
}
