//! `export`: what is written is the same model, and nothing is overwritten.

use std::fs;

use crate::models::place_with_model;
use crate::runner::azr;

#[test]
fn an_exported_model_is_the_same_model_and_nothing_is_overwritten() {
    let place = place_with_model();
    azr(place.path(), &["export", "model", "--out", "copy"]).is_done();
    let read = |name: &str| fs::read(place.path().join(name).join("model.safetensors")).unwrap();
    assert_eq!(read("model"), read("copy"));
    azr(place.path(), &["export", "model", "--out", "copy"])
        .is_refused(&["copy", "choose another"]);
    azr(
        place.path(),
        &["export", "model", "--format", "gguf", "--out", "b"],
    )
    .is_refused_by_its_flags(&["possible values: hf"]);
    assert!(!place.path().join("b").exists());
    std::os::unix::fs::symlink("nowhere", place.path().join("link")).unwrap();
    azr(place.path(), &["export", "model", "--out", "link/"])
        .is_refused(&["is a link", "choose another"]);
    azr(place.path(), &["export", "model", "--out", "b/.."])
        .is_refused(&["names no new directory", "choose another"]);
    azr(place.path(), &["export", "model", "--out", "/dev/full/x"])
        .is_refused(&["/dev/full is not a directory", "choose another"]);
}
