//! `azr pretrain` makes a model, the same one however often it is interrupted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::run_place::Running;
use crate::runner::{azr, command};

/// The recipe of azr-tiny with a smaller model and fewer lessons.
fn small_recipe(place: &Path, steps: u32) {
    let whole = include_str!("../../../configs/pretrain/azr-tiny.toml");
    let mut recipe: toml::Table = toml::from_str(whole).unwrap();
    let mut set = |section: &str, key: &str, value: u32| {
        let table = match section {
            "" => &mut recipe,
            section => recipe[section].as_table_mut().unwrap(),
        };
        let replaced = table.insert(key.to_owned(), toml::Value::Integer(value.into()));
        assert!(replaced.is_some(), "the recipe has no {section} {key}");
    };
    set("", "steps", steps);
    set("", "lessons_per_step", 8);
    set("", "report_every_steps", steps);
    set("", "checkpoint_every_steps", 1);
    set("model", "hidden_size", 16);
    set("model", "layers", 1);
    set("model", "heads", 2);
    set("model", "kv_heads", 2);
    set("model", "ffn_size", 16);
    set("held_out", "tasks_per_kind", 4);
    fs::write(place.join("recipe.toml"), recipe.to_string()).unwrap();
}

fn pretrain(out: &str) -> [&str; 5] {
    ["pretrain", "--config", "recipe.toml", "--out", out]
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(directory).unwrap().map(|it| it.unwrap());
    files
        .map(|it| {
            (
                it.file_name().into_string().unwrap(),
                fs::read(it.path()).unwrap(),
            )
        })
        .collect()
}

#[test]
fn interrupted_pretraining_goes_on_and_ends_with_the_same_model() {
    let place = tempfile::tempdir().unwrap();
    small_recipe(place.path(), 12);
    azr(place.path(), &pretrain("whole")).is_done();

    for signal in ["INT", "KILL"] {
        let checkpoints = place.path().join("parts.unfinished/checkpoints");
        let mut running = Running::start(&mut command(place.path(), &pretrain("parts")));
        let has_saved = || {
            fs::read_dir(&checkpoints).is_ok_and(|entries| {
                let names = entries.map(|it| it.unwrap().file_name());
                names
                    .into_iter()
                    .any(|it| it.as_encoded_bytes().starts_with(b"step-"))
            })
        };
        assert!(running.until(has_saved));
        running.signal(signal);
        let answer = running.end();
        assert!(answer.code == 130 || answer.code == -1, "{answer:?}");
        assert!(!place.path().join("parts").exists());
    }
    azr(place.path(), &pretrain("parts")).is_done();

    let (whole, parts) = (
        files(&place.path().join("whole")),
        files(&place.path().join("parts")),
    );
    assert!(whole.contains_key("model.safetensors"));
    let differing: Vec<&String> = whole.keys().filter(|it| whole[*it] != parts[*it]).collect();
    assert!(differing.is_empty(), "these differ: {differing:?}");
    assert!(!place.path().join("parts.unfinished").exists());
}

#[test]
fn nothing_of_other_pretraining_is_overwritten() {
    let place = tempfile::tempdir().unwrap();
    small_recipe(place.path(), 1);
    azr(place.path(), &pretrain("model/")).is_done();
    let before = files(&place.path().join("model"));
    azr(place.path(), &pretrain("model")).is_refused(&["model", "exists"]);
    assert_eq!(files(&place.path().join("model")), before);

    fs::create_dir(place.path().join("other.unfinished")).unwrap();
    let config = place.path().join("other.unfinished/config.toml");
    fs::write(&config, "seed = 3\n").unwrap();
    azr(place.path(), &pretrain("other")).is_refused(&["other.unfinished", "remove it"]);
    assert_eq!(fs::read_to_string(&config).unwrap(), "seed = 3\n");
}

#[test]
fn pretraining_is_open_in_one_place_only() {
    let place = tempfile::tempdir().unwrap();
    small_recipe(place.path(), 100_000);
    let mut running = Running::start(&mut command(place.path(), &pretrain("model")));
    let config = place.path().join("model.unfinished/config.toml");
    assert!(running.until(|| config.is_file()));
    azr(place.path(), &pretrain("model")).is_refused(&["model.unfinished", "another process"]);
    running.signal("KILL");
    running.end();
}

#[test]
fn a_link_is_not_where_a_model_goes() {
    let place = tempfile::tempdir().unwrap();
    small_recipe(place.path(), 1);
    std::os::unix::fs::symlink("nowhere", place.path().join("model")).unwrap();
    azr(place.path(), &pretrain("model")).is_refused(&["model", "exists"]);
}
