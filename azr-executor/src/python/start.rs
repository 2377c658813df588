//! How a sandbox starts: which backend, its lanes, the first template, what the host refused, and a program whose result is
//! known.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use super::greeting::NoPackage;
use super::group::Groups;
use super::keeper::Keeper;
use super::lane::Lane;
use super::library::Library;
use super::namespaces::NamespacePlan;
use super::refusal::{self, Need};
use super::template::Recipe;
use super::{Backend, PassedOver, Python, PythonConfig, interpreter};
use crate::SandboxError;
use crate::isolation::{Isolation, MissingLayer};
use crate::job::{Bans, Job, Limits, Scrutiny};
use crate::outcome::Outcome;
use crate::sys::Processor;
use crate::value::{Arguments, Equality, Value};

/// What is known before a backend is chosen.
pub(super) struct Start<'config> {
    config: &'config PythonConfig,
    interpreter: PathBuf,
    namespaces: NamespacePlan,
    groups: Groups,
    library: Library,
}

impl<'config> Start<'config> {
    /// Finds an interpreter and learns what this host permits.
    pub(super) fn new(config: &'config PythonConfig) -> Result<Self, SandboxError> {
        let namespaces = NamespacePlan::probe();
        let interpreter = interpreter::find(config.interpreter.as_deref())?;
        let library = Library::empty(&config.packages);
        let library = library.map_err(|source| not_started(&interpreter, Backend::Exec, source))?;
        Ok(Self {
            config,
            interpreter,
            library,
            groups: Groups::probe(namespaces.flags),
            namespaces,
        })
    }

    /// The sandbox with the first backend that works.
    pub(super) fn sandbox(&self) -> Result<Python, SandboxError> {
        let (preferred, last) = self.config.backend.candidates();
        let mut passed_over = Vec::new();
        for &backend in preferred {
            match self.with(backend, &mut passed_over) {
                Err(error) if error.is_of_backend() => {
                    passed_over.push(PassedOver { backend, error });
                }
                decided => return decided,
            }
        }
        self.with(last, &mut passed_over)
    }

    fn with(
        &self,
        backend: Backend,
        passed_over: &mut Vec<PassedOver>,
    ) -> Result<Python, SandboxError> {
        if backend == Backend::Snapshot && !cfg!(target_arch = "x86_64") {
            let source = std::io::ErrorKind::Unsupported.into();
            let source = Need::Processor.refused(source);
            return Err(refusal::of_backend(backend, source));
        }
        let mut idle = self.lanes(backend)?;
        let lanes = idle.len();
        let Some(first) = idle.last_mut() else {
            return Err(SandboxError::LaneLost {
                lane: 0,
                source: std::io::ErrorKind::NotFound.into(),
            });
        };
        let (version, isolation) = self.open(backend, first)?;
        self_test(first).map_err(|error| match error {
            SandboxError::LaneLost { source, .. } => refusal::of_backend(backend, source),
            other => other,
        })?;
        passed_over.iter().for_each(|it| tracing::warn!("{it}"));
        isolation
            .missing
            .iter()
            .for_each(|missing| tracing::warn!("{missing}"));
        Ok(Python {
            idle: Mutex::new(idle),
            returned: Condvar::new(),
            lanes,
            isolation,
            backend,
            passed_over: std::mem::take(passed_over),
            interpreter: self.interpreter.clone(),
            version,
        })
    }

    /// Opens a lane: the interpreter's version, and which layers are around it.
    fn open(
        &self,
        backend: Backend,
        lane: &mut Lane,
    ) -> Result<([u32; 3], Isolation), SandboxError> {
        let opened = lane.open();
        let hello = opened.map_err(|source| not_started(&self.interpreter, backend, source))?;
        let version = hello.version;
        if version < interpreter::VERSION_MIN {
            return Err(SandboxError::InterpreterTooOld {
                path: self.interpreter.display().to_string(),
                version,
            });
        }
        if backend == Backend::Fork && (self.namespaces.keeps_root || hello.keeps_root) {
            let source = std::io::ErrorKind::PermissionDenied.into();
            return Err(refusal::of_backend(backend, Need::User.refused(source)));
        }
        let mut refused: Vec<MissingLayer> = self.namespaces.refused.clone();
        refused.extend(self.groups.refused.clone());
        refused.extend(hello.refused());
        let isolation = Isolation::from_refusals(refused);
        let lacking = isolation.lacking(&self.config.required);
        if lacking.is_empty() {
            Ok((version, isolation))
        } else {
            Err(SandboxError::MissingLayers { missing: lacking })
        }
    }

    /// As many lanes as are wanted, the first one last, spread over the processors.
    fn lanes(&self, backend: Backend) -> Result<Vec<Lane>, SandboxError> {
        let keeper = Arc::new(Keeper::start().map_err(|source| SandboxError::Keeper { source })?);
        let lanes = self
            .config
            .lanes
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        let processors = match backend {
            Backend::Snapshot | Backend::Fork => Processor::allowed(),
            // An interpreter that starts may as well start elsewhere.
            Backend::Exec => Vec::new(),
        };
        let new_lane = |index: usize| {
            let recipes = self.config.hash_seeds.map(|hash_seed| Recipe {
                interpreter: self.interpreter.clone(),
                hash_seed,
                backend,
                namespaces: self.namespaces.clone(),
                processor: processors.iter().cycle().nth(index).copied(),
                library: self.library.clone(),
                packages: self.config.packages.clone(),
            });
            let group = self.groups.of_lane();
            let group = group.map_err(|source| SandboxError::LaneLost {
                lane: index,
                source,
            })?;
            Ok(Lane::new(index, recipes, group, Arc::clone(&keeper)))
        };
        (0..lanes).rev().map(new_lane).collect()
    }
}

/// Whose fault it is that no template starts: a package's, the host's or the interpreter's.
fn not_started(interpreter: &Path, backend: Backend, source: std::io::Error) -> SandboxError {
    let path = interpreter.display().to_string();
    if let Some(missing) = NoPackage::behind(&source) {
        return SandboxError::Package {
            path,
            package: missing.package.clone(),
            source,
        };
    }
    if refusal::is_refusal(&source) {
        return refusal::of_backend(backend, source);
    }
    SandboxError::Interpreter { path, source }
}

/// Runs a program whose result is known: arguments, result, an exception's way out.
fn self_test(lane: &mut Lane) -> Result<(), SandboxError> {
    let input = Value::List(vec![
        Value::from(-7),
        Value::from("é"),
        Value::Float(0.5),
        Value::None,
    ]);
    let job = Job {
        program: "def f(x):\n    return {'given': (x, True)}\n".to_owned(),
        entry: "f".to_owned(),
        inputs: vec![Arguments::positional(vec![input.clone()])],
        scrutiny: Scrutiny::Run,
        bans: Bans::none(),
        limits: Limits {
            wall_ms_max: 30_000,
            cpu_ms_max: 30_000,
            ..Limits::default()
        },
    };
    let expected = Value::Dict(vec![(
        Value::from("given"),
        Value::Tuple(vec![input, Value::Bool(true)]),
    )]);
    match lane.run(&job, None)?.as_deref() {
        Some([Outcome::Returned(value)]) if Equality::Strict.equal(value, &expected) => Ok(()),
        outcomes => {
            let met = format!("the test program gave {outcomes:?}");
            Err(SandboxError::SelfTest {
                source: std::io::Error::other(met),
            })
        }
    }
}
