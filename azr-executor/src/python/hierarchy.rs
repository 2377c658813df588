//! Where in the kernel's hierarchies of control groups this process is, and where it may make groups of its own.
//!
//! Version 1 has a hierarchy for each controller or for a few of them, and a group may be made inside any. Version 2 has
//! one, in which a group that holds processes can have none inside it that a controller governs: there the places are
//! those around us that the controller already governs the groups of. (Kernel documentation, `admin-guide/cgroup-v1` and
//! `admin-guide/cgroup-v2.rst`, "No Internal Process Constraint"; `man 7 cgroups`, `man 5 proc_pid_mountinfo`.)

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// What a group limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Controller {
    /// Bytes of memory.
    Memory,
    /// Processes.
    Processes,
}

/// A group in which groups may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its directory.
    pub(super) parent: PathBuf,
    /// What is limited in those that are made in it.
    pub(super) controller: Controller,
    /// The file in each that says how much.
    pub(super) limit: &'static str,
}

/// Places to try, the best first.
///
/// # Errors
/// When the kernel does not say.
pub(super) fn places(controller: Controller) -> io::Result<Vec<Place>> {
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    let mounts = fs::read("/proc/self/mountinfo")?;
    let governs = |group: &Path| {
        let governed = fs::read_to_string(group.join("cgroup.subtree_control"));
        governed.is_ok_and(|names| names.split_whitespace().any(|it| it == controller.name()))
    };
    Ok(places_in(controller, &groups, &mounts, &governs))
}

fn places_in(
    controller: Controller,
    groups: &str,
    mounts: &[u8],
    governs: &dyn Fn(&Path) -> bool,
) -> Vec<Place> {
    let place = |parent: &Path, limit| Place {
        parent: parent.to_owned(),
        controller,
        limit,
    };
    let mut places = Vec::new();
    for (names, group) in groups.lines().filter_map(membership) {
        let is_unified = names.is_empty();
        if !is_unified && !names.split(',').any(|name| name == controller.name()) {
            continue;
        }
        for mount in mounts.split(|&byte| byte == b'\n').filter_map(Mount::read) {
            let is_there = match mount.kind {
                b"cgroup2" => is_unified,
                b"cgroup" => !is_unified && mount.has_option(controller.name()),
                _ => false,
            };
            let Some(own) = is_there.then(|| mount.find(group)).flatten() else {
                continue;
            };
            if is_unified {
                let around = own
                    .ancestors()
                    .take_while(|it| it.starts_with(&mount.point));
                let governed = around.filter(|it| governs(it));
                places.extend(governed.map(|it| place(it, controller.limit_of_version_2())));
            } else {
                places.push(place(&own, controller.limit_of_version_1()));
            }
        }
    }
    places
}

impl Controller {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "pids",
        }
    }

    fn limit_of_version_1(self) -> &'static str {
        match self {
            Self::Memory => "memory.limit_in_bytes",
            Self::Processes => "pids.max",
        }
    }

    fn limit_of_version_2(self) -> &'static str {
        match self {
            Self::Memory => "memory.max",
            Self::Processes => "pids.max",
        }
    }
}

/// Controllers and group of a line `number:controllers:group`; in version 2 it names no controllers.
fn membership(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(':')?;
    rest.split_once(':')
}

/// A mounted hierarchy, or part of one.
struct Mount<'line> {
    kind: &'line [u8],
    options: &'line [u8],
    /// The group that is seen at the mount point.
    root: PathBuf,
    point: PathBuf,
}

impl<'line> Mount<'line> {
    fn read(line: &'line [u8]) -> Option<Self> {
        let mut fields = line.split(|&byte| byte == b' ');
        let (root, point) = (fields.nth(3)?, fields.next()?);
        // Optional fields end with a dash.
        let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
        let (kind, options) = (fields.next()?, fields.nth(1)?);
        Some(Self {
            kind,
            options,
            root: unescaped(root),
            point: unescaped(point),
        })
    }

    fn has_option(&self, name: &str) -> bool {
        let mut options = self.options.split(|&byte| byte == b',');
        options.any(|option| option == name.as_bytes())
    }

    /// The directory of a group, if it can be seen here.
    fn find(&self, group: &str) -> Option<PathBuf> {
        let inside = Path::new(group).strip_prefix(&self.root).ok()?;
        let is_plain = inside
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        // Each part by itself: a join with nothing would end with a slash.
        is_plain.then(|| self.point.iter().chain(inside.iter()).collect())
    }
}

/// Paths have their blanks, line ends and backslashes as three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.first_chunk::<3>().filter(|_| first == b'\\');
        let value = digits.and_then(|it| u8::from_str_radix(std::str::from_utf8(it).ok()?, 8).ok());
        bytes.push(value.unwrap_or(first));
        rest = value.and_then(|_| after.get(3..)).unwrap_or(after);
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(
        controller: Controller,
        groups: &str,
        mounts: &str,
        governing: &[&str],
    ) -> Vec<String> {
        let governs = |group: &Path| governing.iter().any(|it| Path::new(it) == group);
        let places = places_in(controller, groups, mounts.as_bytes(), &governs);
        let shown = |place: &Place| format!("{} {}", place.parent.display(), place.limit);
        places.iter().map(shown).collect()
    }

    #[test]
    fn in_version_1_it_is_our_own_group_of_each_controller() {
        let groups = "8:pids:/\n4:memory,other:/a b/c\n0::/\n";
        let mounts = "35 31 0:32 / /mnt/m\\040m rw,relatime shared:7 - cgroup cgroup rw,memory,other\n\
                      39 31 0:36 / /mnt/pids rw - cgroup cgroup rw,pids\n\
                      41 31 0:38 / /mnt/unified rw - cgroup2 cgroup2 rw\n";
        let memory = found(Controller::Memory, groups, mounts, &[]);
        assert_eq!(memory, ["/mnt/m m/a b/c memory.limit_in_bytes"]);
        let processes = found(Controller::Processes, groups, mounts, &[]);
        assert_eq!(processes, ["/mnt/pids pids.max"]);
    }

    #[test]
    fn in_version_2_it_is_the_nearest_that_is_governed() {
        let groups = "0::/user.slice/app.slice/run.scope\n";
        let mounts = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let governing = [
            "/",
            "/sys/fs",
            "/sys/fs/cgroup",
            "/sys/fs/cgroup/user.slice/app.slice",
        ];
        assert_eq!(
            found(Controller::Memory, groups, mounts, &governing),
            [
                "/sys/fs/cgroup/user.slice/app.slice memory.max",
                "/sys/fs/cgroup memory.max"
            ]
        );
        assert_eq!(found(Controller::Processes, groups, mounts, &[]), [""; 0]);
    }

    #[test]
    fn a_group_that_cannot_be_seen_is_no_place() {
        let mounts = "30 23 0:26 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        for (group, place) in [
            ("0::/box/in\n", Some("/sys/fs/cgroup/in pids.max")),
            ("0::/other\n", None),
            ("0::/box/../../etc\n", None),
            ("nonsense\n", None),
        ] {
            let governing = ["/sys/fs/cgroup/in"];
            let places = found(Controller::Processes, group, mounts, &governing);
            assert_eq!(places.first().map(String::as_str), place);
        }
    }
}
