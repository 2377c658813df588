//! What kinds of hosts refuse.

use libc::{EINVAL, ENOSYS, ENOTTY, EPERM};

use super::{Refusal, Test, refused, refused_when};

/// `ioctl` requests.
const PAGEMAP_SCAN: u32 = 0xc060_6610;
const UFFDIO_API: u32 = 0xc018_aa3f;

/// Flags of `clone` that make namespaces.
const NEW_NAMESPACES: u32 = 0x7e02_0000;

/// What the default seccomp profile of container engines refuses to a process without added capabilities, as far as a
/// sandbox or an escape would want it (`seccomp/default.json` of moby/profiles).
pub fn container_profile() -> Vec<Refusal> {
    let calls = [
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_move_mount,
        libc::SYS_mount_setattr,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_fanotify_init,
        libc::SYS_open_by_handle_at,
        libc::SYS_userfaultfd,
        libc::SYS_pidfd_getfd,
        libc::SYS_process_madvise,
        libc::SYS_kcmp,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_mbind,
        libc::SYS_set_mempolicy,
    ];
    let mut profile: Vec<Refusal> = calls.into_iter().map(|it| refused(it, EPERM)).collect();
    profile.push(refused(libc::SYS_clone3, ENOSYS));
    profile.push(refused_when(
        libc::SYS_clone,
        EPERM,
        0,
        Test::HasAny,
        NEW_NAMESPACES,
    ));
    profile
}

/// A kernel that cannot name the pages that were written, and one that cannot protect them in passing.
pub fn kernels_before_asynchronous_protection() -> [Refusal; 2] {
    let request = |number, error| refused_when(libc::SYS_ioctl, error, 1, Test::Equals, number);
    [request(PAGEMAP_SCAN, ENOTTY), request(UFFDIO_API, EINVAL)]
}

pub fn no_user_namespaces() -> [Refusal; 3] {
    let user = libc::CLONE_NEWUSER as u32;
    [
        refused(libc::SYS_unshare, EPERM),
        refused(libc::SYS_clone3, ENOSYS),
        refused_when(libc::SYS_clone, EPERM, 0, Test::HasAny, user),
    ]
}

pub fn no_seccomp() -> [Refusal; 2] {
    let option = libc::PR_SET_SECCOMP as u32;
    [
        refused(libc::SYS_seccomp, ENOSYS),
        refused_when(libc::SYS_prctl, EINVAL, 0, Test::Equals, option),
    ]
}

pub fn no_landlock() -> [Refusal; 3] {
    [
        refused(libc::SYS_landlock_create_ruleset, ENOSYS),
        refused(libc::SYS_landlock_add_rule, ENOSYS),
        refused(libc::SYS_landlock_restrict_self, ENOSYS),
    ]
}
