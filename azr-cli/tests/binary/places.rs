//! Where things are kept: run directories that were not named, caches of models, and paths as systems have them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::run_place::{Place, Running};
use crate::runner::{Answer, command};

#[test]
fn runs_that_start_together_get_a_directory_each() {
    let place = Place::new();
    let mut arguments = place.arguments("unused", &["steps=1"]);
    let at = arguments.iter().position(|it| it == "--run-dir").unwrap();
    arguments.drain(at..at + 2);
    let started: Vec<Running> = (0..3)
        .map(|_| Running::start(&mut command(place.path(), &arguments)))
        .collect();
    for run in started {
        run.end().is_done();
    }
    let runs = fs::read_dir(place.path().join("runs")).unwrap();
    let mut names: Vec<String> = runs
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let first = names.first().unwrap().clone();
    assert_eq!(
        names,
        [first.clone(), format!("{first}-2"), format!("{first}-3")]
    );
}

#[test]
fn a_run_that_cannot_start_leaves_no_directory() {
    let place = Place::new();
    let mut train = command(place.path(), &["train", "--model", "model"]);
    let answer = Answer::from(
        train
            .env("AZR_PYTHON", "/no/such/python3")
            .output()
            .unwrap(),
    );
    assert_eq!(answer.code, 2, "{answer:?}");
    let mut runs = fs::read_dir(place.path().join("runs")).unwrap();
    assert!(runs.next().is_none(), "{answer:?}");
}

/// `azr generate` of a model that no cache holds, offline, with these variables.
fn looked_for_in(place: &Place, variables: &[(&str, &OsStr)]) -> String {
    let mut command = command(
        place.path(),
        &["generate", "--model", "org/name", "--prompt", "x"],
    );
    command
        .env("HOME", "/home/of-nobody")
        .env("HF_HUB_OFFLINE", "1");
    command.envs(variables.iter().copied());
    let answer = Answer::from(command.output().unwrap());
    assert_ne!(answer.code, 0, "{answer:?}");
    answer.err
}

#[test]
fn models_are_kept_where_the_programs_of_hugging_face_keep_them() {
    let place = Place::new();
    for (variable, value, cache) in [
        ("HF_HOME", "~/zz", "/home/of-nobody/zz/hub"),
        ("HF_HOME", "/a", "/a/hub"),
        ("HF_HUB_CACHE", "~/cache", "/home/of-nobody/cache"),
        ("XDG_CACHE_HOME", "/x", "/x/huggingface/hub"),
        ("UNUSED", "", "/home/of-nobody/.cache/huggingface/hub"),
    ] {
        let words = looked_for_in(&place, &[(variable, OsStr::new(value))]);
        assert!(
            words.contains(&format!("the cache at {cache} ")) && words.contains("HF_HUB_OFFLINE"),
            "{variable}={value}: {words}"
        );
    }
    let words = looked_for_in(&place, &[("HF_HOME", OsStr::from_bytes(b"/tmp/n\xff"))]);
    assert!(words.contains("/tmp/n"), "{words}");
    let words = looked_for_in(&place, &[("HF_TOKEN", OsStr::from_bytes(b"n\xff"))]);
    assert!(words.contains("HF_TOKEN is not UTF-8"), "{words}");
}

#[test]
fn a_run_may_lie_where_a_path_is_no_text() {
    let place = Place::new();
    let name = OsStr::from_bytes(b"run \xff");
    let mut arguments: Vec<OsString> = place
        .arguments("unused", &["steps=1"])
        .into_iter()
        .map(OsString::from)
        .collect();
    let at = arguments.iter().position(|it| it == "unused").unwrap();
    arguments[at] = name.to_owned();
    Answer::from(command(place.path(), &arguments).output().unwrap()).is_done();
    let export = [
        OsStr::new("export"),
        name,
        OsStr::new("--format"),
        OsStr::new("hf"),
        OsStr::new("--out"),
        OsStr::from_bytes(b"out \xfe"),
    ];
    for arguments in [
        &[OsStr::new("inspect"), name][..],
        &[OsStr::new("train"), OsStr::new("--resume"), name],
        &export,
    ] {
        Answer::from(command(place.path(), arguments).output().unwrap()).is_done();
    }
}
