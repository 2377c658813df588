//! Packages beside the standard library: those that are asked for are there, in every backend, and no others.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;
mod modules;

use std::path::PathBuf;
use std::process::Command;

use azr_executor::testing::permitted_backends;
use azr_executor::{Backend, Python, PythonConfig, SandboxError, Scrutiny};

use jobs::job;
use modules::{WALL_MS_MAX, config, shown, start};

/// A virtual environment of the interpreter, with nothing in it but what tests write there.
struct Environment {
    directory: tempfile::TempDir,
    interpreter: PathBuf,
    site: PathBuf,
}

impl Environment {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = start(&config(Backend::Exec));
        let (base, [major, minor, _]) = sandbox.interpreter();
        let interpreter = directory.path().join("bin/python");
        let site = directory
            .path()
            .join(format!("lib/python{major}.{minor}/site-packages"));
        std::fs::create_dir_all(interpreter.parent().unwrap()).unwrap();
        std::fs::create_dir_all(&site).unwrap();
        std::os::unix::fs::symlink(base, &interpreter).unwrap();
        let home = base.parent().unwrap().display();
        let text = format!("home = {home}\ninclude-system-site-packages = false\n");
        std::fs::write(directory.path().join("pyvenv.cfg"), text).unwrap();
        // Templates of root become another user before the first program, not before they load.
        Self {
            directory,
            interpreter,
            site,
        }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.site.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn config(&self, backend: Backend, packages: &[&str]) -> PythonConfig {
        PythonConfig {
            interpreter: Some(self.interpreter.clone()),
            packages: packages.iter().map(|&name| name.to_owned()).collect(),
            ..config(backend)
        }
    }
}

#[test]
fn packages_that_are_asked_for_are_there_with_all_that_lies_in_them() {
    let environment = Environment::new();
    environment.write("first/__init__.py", "import second\nloaded = [1]\n");
    environment.write(
        "first/later.py",
        "from first.deep import inner\nvalue = inner.value + 1\n",
    );
    environment.write("first/deep/__init__.py", "");
    environment.write("first/deep/inner.py", "import fractions\nvalue = 41\n");
    environment.write("second.py", "import threading\nname = 'second'\n");
    environment.write("third.py", "");
    let program = "
import importlib
def f(names):
    import first, second
    from first.later import value
    found = []
    for name in names:
        try:
            found.append(importlib.import_module(name).__name__)
        except ModuleNotFoundError as error:
            found.append(str(error))
    return found, value, first.loaded, second.name
";
    let names = "['third', 'first.nowhere', 'first.deep', 'ctypes']";
    let there = "([\"No module named 'third'\", \"No module named 'first.nowhere'\", 'first.deep', \"No module named 'ctypes': it is not offered in the sandbox (it reads and writes memory by address)\"], 42, [1], 'second')";
    for backend in permitted_backends() {
        let sandbox = start(&environment.config(backend, &["first"]));
        let asks = job(program, &[names], Scrutiny::Check, WALL_MS_MAX);
        assert_eq!(shown(&sandbox, &asks), there, "{backend}");
        let mut banned = job(
            "def f(x):\n    return __import__('fir' + 'st')\n",
            &["1"],
            Scrutiny::Check,
            WALL_MS_MAX,
        );
        banned.bans.modules = vec!["first".to_owned()];
        let halted = shown(&sandbox, &banned);
        assert!(
            halted.starts_with("ModuleNotFoundError: "),
            "{backend}: {halted}"
        );
        let without = start(&environment.config(backend, &[]));
        let missing = "ModuleNotFoundError: No module named 'first'";
        assert_eq!(shown(&without, &asks), missing, "{backend}");
    }
    assert!(environment.directory.path().exists());
}

#[test]
fn a_package_that_cannot_be_loaded_is_an_error_with_a_remedy() {
    let environment = Environment::new();
    environment.write("broken.py", "raise ValueError('no such luck')\n");
    environment.write("busy.py", "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n");
    for (package, reason) in [
        ("absent", "No module named 'absent'"),
        ("broken", "no such luck"),
        ("busy", "it starts threads"),
    ] {
        for backend in permitted_backends() {
            let error = Python::start(&environment.config(backend, &[package]))
                .err()
                .unwrap();
            assert!(
                matches!(error, SandboxError::Package { .. }),
                "{backend}: {error:?}"
            );
            let told = error.to_string();
            let install = format!(
                "{} -m pip install {package}",
                environment.interpreter.display()
            );
            for part in [package, reason, &install] {
                assert!(told.contains(part), "{told} lacks {part}");
            }
        }
    }
}

/// Programs with numpy and sympy, an input, and what python3 gives.
const PROGRAMS: &[(&str, &str, &str)] = &[
    (
        "import numpy as np\ndef f(x):\n    a = np.array(x)\n    return (a @ a.T).tolist(), float(np.linalg.det(a)), a.dtype.name\n",
        "[[2, 1], [1, 1]]",
        "([[5, 3], [3, 2]], 1.0, 'int64')",
    ),
    (
        "import numpy as np\ndef f(n):\n    a = np.arange(n * n, dtype=float).reshape(n, n) + n * n * np.eye(n)\n    return bool(np.allclose(np.linalg.solve(a, a @ np.ones(n)), 1)), round(float(np.linalg.svd(a)[1].sum()) / n ** 3, 1)\n",
        "300",
        "(True, 1.6)",
    ),
    (
        "import numpy as np\ndef f(seed):\n    return np.random.default_rng(seed).integers(0, 100, 5).tolist(), np.fft.fft([1, 0, 0, 0]).real.tolist()\n",
        "7",
        "([94, 62, 68, 89, 57], [1.0, 1.0, 1.0, 1.0])",
    ),
    (
        "import numpy as np\ndef f(n):\n    return float(np.ones(n << 20).sum()) / (1 << 20)\n",
        "8",
        "8.0",
    ),
    (
        "import numpy as np\ndef f(n):\n    try:\n        np.ones(n << 20)\n    except MemoryError:\n        return float(np.ones(1 << 20).sum())\n",
        "64",
        "1048576.0",
    ),
    (
        "import sympy\ndef f(text):\n    x = sympy.symbols('x')\n    return str(sympy.integrate(sympy.sympify(text), x)), [str(it) for it in sympy.solve(x**2 - 2, x)]\n",
        "'x*sin(x)'",
        "('-x*cos(x) + sin(x)', ['-sqrt(2)', 'sqrt(2)'])",
    ),
    (
        "import sympy, numpy\nfrom sympy.physics.units import meter\ndef f(x):\n    t = sympy.symbols('t')\n    return sympy.lambdify(t, t**2, 'numpy')(numpy.array([1, 2, x])).tolist(), sympy.primerange(10).__class__.__name__, str(3 * meter)\n",
        "3",
        "([1, 4, 9], 'generator', '3*meter')",
    ),
];

#[test]
fn numpy_and_sympy_give_what_they_give_outside() {
    let packages = ["numpy", "sympy"];
    let with_packages = |backend| PythonConfig {
        packages: packages.map(str::to_owned).to_vec(),
        ..config(backend)
    };
    let found = start(&config(Backend::Exec)).interpreter().0.to_owned();
    let is_there = Command::new(&found)
        .args(["-c", "import numpy, sympy"])
        .output()
        .unwrap();
    if !is_there.status.success() {
        eprintln!(
            "{} has no numpy and sympy: not tried; AZR_PYTHON names another interpreter",
            found.display()
        );
        return;
    }
    for backend in permitted_backends() {
        let sandbox = start(&with_packages(backend));
        for (program, input, expected) in PROGRAMS {
            let job = job(program, &[input], Scrutiny::Check, WALL_MS_MAX);
            assert_eq!(shown(&sandbox, &job), *expected, "{backend}: {program}");
        }
        assert_eq!(sandbox.audit().unwrap(), 0, "{backend}");
    }
}
