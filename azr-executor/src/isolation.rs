//! The layers between a program and the host, and which of them this host refused.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// One layer. They are independent: any one of them missing leaves the others in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// A user namespace: what looks like a right in it is none outside.
    User,
    /// A process namespace: no other process can be seen or signaled, and all end with the template.
    Pid,
    /// A network namespace without interfaces.
    Net,
    /// A mount namespace.
    Mount,
    /// A namespace of its own for System V and POSIX message queues.
    Ipc,
    /// A host name of its own.
    Uts,
    /// A cgroup namespace.
    Cgroup,
    /// A control group that bounds memory and processes of a lane together.
    ControlGroup,
    /// An empty, read-only root directory.
    Root,
    /// Resource limits.
    Rlimits,
    /// `no_new_privs`: nothing that is executed gains rights.
    NoNewPrivs,
    /// An ordinary user without any capability.
    Capabilities,
    /// Landlock, with no right to any file, port or abstract socket.
    Landlock,
    /// A list of permitted system calls.
    Seccomp,
}

impl Layer {
    /// All, in the order in which they are put on.
    pub const ALL: [Self; 14] = [
        Self::User,
        Self::Pid,
        Self::Net,
        Self::Mount,
        Self::Ipc,
        Self::Uts,
        Self::Cgroup,
        Self::ControlGroup,
        Self::Root,
        Self::Rlimits,
        Self::NoNewPrivs,
        Self::Capabilities,
        Self::Landlock,
        Self::Seccomp,
    ];

    /// The name used in reports and in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Pid => "pid",
            Self::Net => "net",
            Self::Mount => "mount",
            Self::Ipc => "ipc",
            Self::Uts => "uts",
            Self::Cgroup => "cgroup",
            Self::ControlGroup => "control-group",
            Self::Root => "root",
            Self::Rlimits => "rlimits",
            Self::NoNewPrivs => "no-new-privs",
            Self::Capabilities => "capabilities",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }

    /// How to get it on a host that refuses it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::User
            | Self::Pid
            | Self::Net
            | Self::Mount
            | Self::Ipc
            | Self::Uts
            | Self::Cgroup
            | Self::Root => {
                "allow user namespaces (sysctl user.max_user_namespaces above 0, \
                 kernel.apparmor_restrict_unprivileged_userns=0; in a container --security-opt seccomp=unconfined), \
                 or run as root with CAP_SYS_ADMIN"
            }
            Self::ControlGroup => {
                "start where a control group may be made: with systemd by systemd-run --user --scope COMMAND, in a \
                 container with a writable /sys/fs/cgroup, or as root"
            }
            Self::Rlimits => "allow setrlimit in the container's seccomp profile",
            Self::NoNewPrivs => "use Linux 3.5 or newer",
            Self::Capabilities => {
                "start as an ordinary user, or as root with CAP_SETUID, CAP_SETGID and CAP_SETPCAP"
            }
            Self::Landlock => {
                "use Linux 5.13 or newer with landlock among the kernel's active security modules (lsm=), and allow \
                 landlock_create_ruleset and landlock_restrict_self in a container's seccomp profile"
            }
            Self::Seccomp => {
                "use a kernel with CONFIG_SECCOMP_FILTER, and allow prctl in a container's seccomp profile"
            }
        }
    }
}

impl Display for Layer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no layer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} is no isolation layer; there are user, pid, net, mount, ipc, uts, cgroup, control-group, root, rlimits, no-new-privs, capabilities, landlock and seccomp"
)]
pub struct UnknownLayer {
    /// The name.
    pub name: String,
}

impl FromStr for Layer {
    type Err = UnknownLayer;

    fn from_str(name: &str) -> Result<Self, UnknownLayer> {
        Self::ALL
            .into_iter()
            .find(|layer| layer.name() == name)
            .ok_or_else(|| UnknownLayer {
                name: name.to_owned(),
            })
    }
}

/// A layer that the host refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingLayer {
    /// Which.
    pub layer: Layer,
    /// What the host said.
    pub reason: String,
    /// How to get it.
    pub remedy: &'static str,
}

impl MissingLayer {
    /// `errno` is what the last attempt met.
    pub(crate) fn new(layer: Layer, errno: i32) -> Self {
        Self {
            layer,
            reason: std::io::Error::from_raw_os_error(errno).to_string(),
            remedy: layer.remedy(),
        }
    }
}

impl Display for MissingLayer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "isolation layer {} is missing ({}); to get it, {}",
            self.layer, self.reason, self.remedy
        )
    }
}

/// What stands between a program and this host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Isolation {
    /// In place.
    pub layers: Vec<Layer>,
    /// Refused by the host.
    pub missing: Vec<MissingLayer>,
}

impl Isolation {
    /// Sorts layers into those in place and those refused. A layer is in place when nothing reports it.
    pub(crate) fn from_refusals(mut missing: Vec<MissingLayer>) -> Self {
        missing.sort_by_key(|refusal| refusal.layer);
        missing.dedup_by_key(|refusal| refusal.layer);
        let present = |layer: &Layer| missing.iter().all(|refusal| refusal.layer != *layer);
        Self {
            layers: Layer::ALL.into_iter().filter(present).collect(),
            missing,
        }
    }

    /// Those of `required` that are not in place.
    pub fn lacking(&self, required: &[Layer]) -> Vec<MissingLayer> {
        self.missing
            .iter()
            .filter(|refusal| required.contains(&refusal.layer))
            .cloned()
            .collect()
    }
}
