//! Which namespaces this host lets us make, and in which way.

use crate::isolation::{Layer, MissingLayer};
use crate::sys;

/// Namespaces beside the user namespace, and their layers.
const NAMESPACES: [(libc::c_int, Layer); 6] = [
    (libc::CLONE_NEWPID, Layer::Pid),
    (libc::CLONE_NEWNET, Layer::Net),
    (libc::CLONE_NEWNS, Layer::Mount),
    (libc::CLONE_NEWIPC, Layer::Ipc),
    (libc::CLONE_NEWUTS, Layer::Uts),
    (libc::CLONE_NEWCGROUP, Layer::Cgroup),
];

/// How a template is started on this host.
#[derive(Debug, Clone, Default)]
pub(super) struct NamespacePlan {
    /// `CLONE_NEW*` flags for the start.
    pub(super) flags: libc::c_int,
    /// Whether the template gives up root itself and then makes its user namespace, as root can.
    pub(super) gives_up_root: bool,
    /// Whether it is root outside of its user namespace, where the kernel sets root no limit on processes.
    pub(super) keeps_root: bool,
    /// What the host refused.
    pub(super) refused: Vec<MissingLayer>,
}

impl NamespacePlan {
    /// Tries, best way first. Root makes the namespaces with its own rights and gives those up afterwards; everyone else
    /// needs a user namespace first, and so does root without rights, as in a container, which stays root outside of it.
    pub(super) fn probe() -> Self {
        let all = NAMESPACES.iter().fold(0, |flags, (flag, _)| flags | flag);
        let (user, _) = sys::effective_user();
        if user == 0 && sys::start_allowed(all, &[]).is_ok() {
            return Self {
                flags: all,
                gives_up_root: true,
                ..Self::default()
            };
        }
        if sys::start_allowed(all | libc::CLONE_NEWUSER, &[]).is_ok() {
            return Self {
                flags: all | libc::CLONE_NEWUSER,
                keeps_root: user == 0,
                ..Self::default()
            };
        }
        Self::one_by_one(user == 0)
    }

    fn one_by_one(is_root: bool) -> Self {
        let mut plan = Self {
            gives_up_root: is_root,
            ..Self::default()
        };
        match sys::start_allowed(libc::CLONE_NEWUSER, &[]) {
            Ok(()) => {
                plan = Self {
                    flags: libc::CLONE_NEWUSER,
                    keeps_root: is_root,
                    ..Self::default()
                }
            }
            Err(error) => plan.refuse(Layer::User, &error),
        }
        for (flag, layer) in NAMESPACES {
            match sys::start_allowed(plan.flags | flag, &[]) {
                Ok(()) => plan.flags |= flag,
                Err(error) => plan.refuse(layer, &error),
            }
        }
        plan
    }

    fn refuse(&mut self, layer: Layer, error: &std::io::Error) {
        self.refused.push(MissingLayer::new(
            layer,
            error.raw_os_error().unwrap_or_default(),
        ));
    }
}
