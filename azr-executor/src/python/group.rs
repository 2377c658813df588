//! A control group for each lane: a wall around all its processes together, where the host lets us make one.
//!
//! Each process has limits of its own, which are tighter and give the verdicts. The group stands behind them, for a host
//! that refuses those or a kernel that forgets one. Nothing that is not ours is changed: groups are made where a user may
//! make them, and go with the sandbox. Those of a supervisor that was killed go when the next one starts.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::isolation::{Layer, MissingLayer};
use crate::python::hierarchy::{self, Controller, Place};
use crate::sys;

/// Processes of a lane: two templates, their workers, and those that are on their way out.
const PROCESSES_MAX: u64 = 16;

/// What a lane holds beside the memory of its programs: interpreters, snapshots, results, tables of pages.
const LANE_MEMORY_BYTES: u64 = 1 << 30;

/// Templates of a lane.
const TEMPLATES: u64 = 2;

/// Places where groups can be made on this host, one for each controller that it grants.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    places: Vec<Place>,
    /// What the host refused.
    pub(super) refused: Option<MissingLayer>,
}

impl Groups {
    /// Tries, with processes that end at once. `namespaces` are those that templates start in.
    pub(super) fn probe(namespaces: libc::c_int) -> Self {
        let mut groups = Self::default();
        for controller in [Controller::Memory, Controller::Processes] {
            match Self::try_out(controller, namespaces) {
                Ok(place) => groups.places.push(place),
                Err(error) => {
                    let errno = error.raw_os_error().unwrap_or(libc::ENOENT);
                    groups.refused = Some(MissingLayer::new(Layer::ControlGroup, errno));
                }
            }
        }
        groups
    }

    /// A new group; none where no place grants one.
    pub(super) fn of_lane(&self) -> io::Result<Option<Group>> {
        let is_granted = !self.places.is_empty();
        is_granted.then(|| Group::make(&self.places)).transpose()
    }

    fn try_out(controller: Controller, namespaces: libc::c_int) -> io::Result<Place> {
        let mut refused = io::Error::from_raw_os_error(libc::ENOENT);
        for place in hierarchy::places(controller)? {
            sweep(&place.parent);
            let entered = Group::make(std::slice::from_ref(&place))
                .and_then(|group| sys::start_allowed(namespaces, &group.entrances()?));
            match entered {
                Ok(()) => return Ok(place),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

/// One lane's.
pub(super) struct Group {
    rooms: Vec<Room>,
    memory_bytes_max: u64,
}

/// The group in one hierarchy.
struct Room {
    directory: PathBuf,
    memory_limit: Option<PathBuf>,
    /// Whoever writes here comes in.
    entrance: File,
}

impl Group {
    fn make(places: &[Place]) -> io::Result<Self> {
        let mut group = Self {
            rooms: Vec::new(),
            memory_bytes_max: 0,
        };
        let name = own_name()?;
        for place in places {
            let directory = place.parent.join(&name);
            // In version 2 one directory is governed by both controllers.
            if group.rooms.iter().all(|it| it.directory != directory) {
                fs::create_dir(&directory)?;
            }
            group.rooms.push(Room::furnish(directory, place)?);
        }
        group.allow(0)?;
        Ok(group)
    }

    /// What a process writes to, to come in.
    pub(super) fn entrances(&self) -> io::Result<Vec<OwnedFd>> {
        let entrance = |room: &Room| room.entrance.as_fd().try_clone_to_owned();
        self.rooms.iter().map(entrance).collect()
    }

    /// Makes sure that programs can have so many bytes each, and their verdicts come from limits of their own.
    pub(super) fn allow(&mut self, program_bytes_max: u64) -> io::Result<()> {
        let bytes = program_bytes_max.saturating_mul(TEMPLATES);
        let bytes = bytes.saturating_add(LANE_MEMORY_BYTES);
        if self.memory_bytes_max < bytes {
            for limit in self.rooms.iter().filter_map(|it| it.memory_limit.as_ref()) {
                fs::write(limit, bytes.to_string())?;
            }
            self.memory_bytes_max = bytes;
        }
        Ok(())
    }
}

impl Room {
    fn furnish(directory: PathBuf, place: &Place) -> io::Result<Self> {
        let limit = directory.join(place.limit);
        let entrance = || {
            if place.controller == Controller::Processes {
                fs::write(&limit, PROCESSES_MAX.to_string())?;
            }
            File::options()
                .write(true)
                .open(directory.join("cgroup.procs"))
        };
        match entrance() {
            Ok(entrance) => Ok(Self {
                memory_limit: (place.controller == Controller::Memory).then_some(limit),
                directory,
                entrance,
            }),
            Err(error) => {
                let _ = fs::remove_dir(&directory);
                Err(error)
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // One whose last process is still on its way out is removed by the next sandbox that starts.
        let _ = fs::remove_dir(&self.directory);
    }
}

/// Says whose a group is: the process namespace and the number in it of this process, and which of its groups.
fn own_name() -> io::Result<String> {
    let mut drawn = [0; 4];
    sys::fill_random(&mut drawn)?;
    let (namespace, pid) = (own_namespace(), std::process::id());
    Ok(format!(
        "azr-{namespace}-{pid}-{:08x}",
        u32::from_le_bytes(drawn)
    ))
}

/// The number of our process namespace; 0 where that cannot be seen.
fn own_namespace() -> u64 {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let digits = link.to_string_lossy();
    let digits = digits.trim_start_matches("pid:[").trim_end_matches(']');
    digits.parse().unwrap_or_default()
}

/// Removes what supervisors left that were killed. The kernel keeps those in which a process lives.
fn sweep(parent: &Path) {
    let ours = format!("azr-{}-", own_namespace());
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(&ours));
        let owner = owner.and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}
