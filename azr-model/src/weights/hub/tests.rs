//! Fetching from a hub on this machine that redirects, shards, breaks off, lies and refuses.

use super::server::{COMMIT, Fault, Server};
use super::*;
use crate::Precision;
use crate::config::Architecture;
use crate::fixture::{self, sentence};
use crate::language_model::{LanguageModel, ModelSource, save_directory};
use std::collections::HashMap;
use std::fs;
use std::sync::Mutex;
use tempfile::{TempDir, tempdir};

/// The files of a small model on a hub.
fn model_files() -> HashMap<String, Vec<u8>> {
    let place = tempdir().unwrap();
    let directory = place.path().join("model");
    let parameters = fixture::parameters(&fixture::config(Architecture::Llama, true));
    save_directory(
        &directory,
        &parameters,
        &fixture::language(),
        Precision::F32,
    )
    .unwrap();
    let read = |entry: fs::DirEntry| {
        (
            entry.file_name().into_string().unwrap(),
            fs::read(entry.path()).unwrap(),
        )
    };
    let mut files: HashMap<_, _> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| read(entry.unwrap()))
        .collect();
    files.insert("README.md".to_owned(), b"not needed".to_vec());
    files
}

fn hub(server: &Server) -> (TempDir, Hub) {
    let cache = tempdir().unwrap();
    let hub = Hub {
        endpoint: server.endpoint(),
        cache: cache.path().join("hub"),
        token: None,
        is_offline: false,
        report: None,
    };
    (cache, hub)
}

fn name(text: &str) -> HubModel {
    HubModel::parse(text).unwrap()
}

fn complaint(result: Result<Fetched, HubError>) -> String {
    sentence(&result.expect_err("the fetch must fail"))
}

#[test]
fn a_model_is_fetched_through_redirects_and_loads() {
    let server = Server::start(model_files());
    let (_cache, hub) = hub(&server);
    let model = LanguageModel::load(&ModelSource::Hub(name("org/name")), &hub).unwrap();
    assert!(model.parameters == fixture::parameters(&fixture::config(Architecture::Llama, true)));
    assert_eq!(model.origin, "org/name");
    assert!(
        !server.take_log("/cdn/model.safetensors").is_empty(),
        "large files come from elsewhere"
    );
}

#[test]
fn chat_templates_with_names_are_fetched_too() {
    let mut files = model_files();
    let name_of_file = "additional_chat_templates/tool_use.jinja";
    files.insert(name_of_file.to_owned(), b"T".to_vec());
    files.insert(
        "additional_chat_templates/x/y.jinja".to_owned(),
        b"no".to_vec(),
    );
    let server = Server::start(files);
    let (_cache, hub) = hub(&server);
    let Fetched::Directory(directory) = fetch(&hub, &name("org/name")).unwrap() else {
        panic!("a directory")
    };
    assert_eq!(fs::read(directory.join(name_of_file)).unwrap(), b"T");
    assert!(!directory.join("additional_chat_templates/x").exists());
}

#[test]
fn only_what_a_model_needs_is_fetched_and_only_once() {
    let server = Server::start(model_files());
    let (_cache, hub) = hub(&server);
    fetch(&hub, &name("org/name")).unwrap();
    assert_eq!(server.take_log("README").len(), 0);
    fetch(&hub, &name("org/name")).unwrap();
    let again = server.take_log("");
    assert_eq!(
        again.len(),
        1,
        "only the listing is asked for again: {again:?}"
    );
}

#[test]
fn the_shape_of_a_model_is_fetched_alone_and_makes_no_model_look_whole() {
    let server = Server::start(model_files());
    let (_cache, hub) = hub(&server);
    let source = ModelSource::Hub(name("org/name"));
    let shape = LanguageModel::shape(&source, &hub).unwrap();
    assert_eq!(shape, fixture::config(Architecture::Llama, true));
    let weights = || server.take_log("model.safetensors").len();
    assert_eq!(weights(), 0);
    fetch(&hub, &name("org/name")).unwrap();
    assert!(0 < weights());
    assert_eq!(LanguageModel::shape(&source, &hub).unwrap(), shape);
}

#[test]
fn a_sharded_model_is_fetched_with_all_its_shards() {
    let mut files = model_files();
    let weights = files.remove("model.safetensors").unwrap();
    let index =
        serde_json::json!({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}});
    files.insert(INDEX.to_owned(), index.to_string().into_bytes());
    files.insert("model-1.safetensors".to_owned(), weights.clone());
    files.insert("model-2.safetensors".to_owned(), weights);
    let server = Server::start(files);
    let (_cache, hub) = hub(&server);
    let Fetched::Directory(directory) = fetch(&hub, &name("org/name")).unwrap() else {
        panic!("a directory")
    };
    for shard in [
        "model-1.safetensors",
        "model-2.safetensors",
        INDEX,
        "config.json",
    ] {
        assert!(directory.join(shard).exists(), "{shard}");
    }
}

#[test]
fn a_gguf_file_is_fetched_by_name_and_offered_where_there_is_nothing_else() {
    let files = HashMap::from([
        ("m-q4.gguf".to_owned(), vec![7; 5000]),
        ("m-q8.gguf".to_owned(), vec![8; 5000]),
    ]);
    let server = Server::start(files);
    let (_cache, hub) = hub(&server);
    let Fetched::Gguf(path) = fetch(&hub, &name("org/name/m-q8.gguf")).unwrap() else {
        panic!("a file")
    };
    assert_eq!(fs::read(path).unwrap(), vec![8; 5000]);
    let words = complaint(fetch(&hub, &name("org/name")));
    assert!(
        words.contains("2 GGUF files") && words.contains("org/name/m-q4.gguf"),
        "{words}"
    );
}

#[test]
fn a_download_that_breaks_off_is_resumed_where_it_stopped() {
    let server = Server::start(model_files());
    let (_cache, hub) = hub(&server);
    let stops = vec![Fault::Stop { after: 1000 }, Fault::Stop { after: 500 }];
    server.edit(|contents| {
        _ = contents
            .faults
            .insert("model.safetensors".to_owned(), stops)
    });
    fetch(&hub, &name("org/name")).unwrap();
    let asked = server.take_log("/cdn/model.safetensors");
    let resumed: Vec<&String> = asked
        .iter()
        .filter(|line| line.contains("Some((1000") || line.contains("Some((1500"))
        .collect();
    assert_eq!(resumed.len(), 2, "{asked:?}");
}

#[test]
fn what_has_arrived_is_kept_for_the_next_call() {
    let server = Server::start(model_files());
    let (_cache, hub) = hub(&server);
    server.edit(|contents| {
        _ = contents.faults.insert(
            "model.safetensors".to_owned(),
            vec![Fault::Stop { after: 700 }; 4],
        )
    });
    let words = complaint(fetch(&hub, &name("org/name")));
    assert!(
        words.contains("model.safetensors stopped after 4 attempts") && words.contains("try again"),
        "{words}"
    );
    server.take_log("");
    fetch(&hub, &name("org/name")).unwrap();
    let asked = server.take_log("/cdn/model.safetensors");
    assert!(
        asked.iter().any(|line| line.contains("Some((2800")),
        "{asked:?}"
    );
}

#[test]
fn a_damaged_download_is_taken_again_and_given_up_if_it_stays_damaged() {
    let server = Server::start(model_files());
    let (_cache, hub) = hub(&server);
    server.edit(|contents| {
        _ = contents
            .faults
            .insert("model.safetensors".to_owned(), vec![Fault::Corrupt])
    });
    let Fetched::Directory(directory) = fetch(&hub, &name("org/name")).unwrap() else {
        panic!("a directory")
    };
    assert_eq!(
        fs::read(directory.join("model.safetensors")).unwrap(),
        model_files()["model.safetensors"]
    );

    let server = Server::start(model_files());
    let (_cache, hub) = self::hub(&server);
    server.edit(|contents| {
        _ = contents
            .faults
            .insert("model.safetensors".to_owned(), vec![Fault::Corrupt; 9])
    });
    let words = complaint(fetch(&hub, &name("org/name")));
    assert!(
        words.contains("another size or checksum") && words.contains("another mirror"),
        "{words}"
    );
}

#[test]
fn a_server_that_ignores_ranges_does_not_spoil_a_resumed_file() {
    let server = Server::start(model_files());
    let (_cache, hub) = hub(&server);
    let faults = vec![Fault::Stop { after: 900 }, Fault::IgnoreRange];
    server.edit(|contents| {
        _ = contents
            .faults
            .insert("model.safetensors".to_owned(), faults)
    });
    let Fetched::Directory(directory) = fetch(&hub, &name("org/name")).unwrap() else {
        panic!("a directory")
    };
    assert_eq!(
        fs::read(directory.join("model.safetensors")).unwrap(),
        model_files()["model.safetensors"]
    );
}

#[test]
fn a_new_commit_is_fetched_whole_and_never_mixed_with_the_old_one() {
    let server = Server::start(model_files());
    let (_cache, hub) = hub(&server);
    let first = fetch(&hub, &name("org/name")).unwrap();
    server.edit(|contents| {
        contents.commit = COMMIT.chars().rev().collect();
        contents
            .files
            .insert("README.md".to_owned(), b"changed".to_vec());
    });
    let second = fetch(&hub, &name("org/name")).unwrap();
    assert_ne!(first, second);
    let Fetched::Directory(directory) = second else {
        panic!("a directory")
    };
    assert!(directory.join("config.json").exists() && directory.join("model.safetensors").exists());
}

#[test]
fn without_a_connection_the_cache_is_used_and_its_absence_is_said() {
    let server = Server::start(model_files());
    let (_cache, mut hub) = hub(&server);
    let fetched = fetch(&hub, &name("org/name")).unwrap();
    drop(server);
    assert_eq!(fetch(&hub, &name("org/name")).unwrap(), fetched);
    hub.cache = hub.cache.join("elsewhere");
    let words = complaint(fetch(&hub, &name("org/name")));
    assert!(
        words.contains("cannot be reached") && words.contains("HF_ENDPOINT"),
        "{words}"
    );
}

#[test]
fn offline_nothing_is_asked_and_the_cache_is_used() {
    let server = Server::start(model_files());
    let (_cache, mut hub) = hub(&server);
    hub.is_offline = true;
    let words = complaint(fetch(&hub, &name("org/name")));
    assert!(words.contains("HF_HUB_OFFLINE is set"), "{words}");
    assert!(server.take_log("").is_empty());
    hub.is_offline = false;
    let fetched = fetch(&hub, &name("org/name")).unwrap();
    server.take_log("");
    hub.is_offline = true;
    assert_eq!(fetch(&hub, &name("org/name")).unwrap(), fetched);
    assert!(server.take_log("").is_empty());
}

#[test]
fn a_cache_that_is_a_file_is_named() {
    let server = Server::start(model_files());
    let (place, mut hub) = hub(&server);
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    hub.cache = file.join("hub");
    let words = complaint(fetch(&hub, &name("org/name")));
    assert!(
        words.contains("file/hub cannot be used") && words.contains("Not a directory"),
        "{words}"
    );
}

#[test]
fn refusals_say_what_to_do() {
    let server = Server::start(model_files());
    let (_cache, hub) = hub(&server);
    let refused = |status: Option<u16>, text: &str| {
        server.edit(|contents| contents.refuse = status);
        complaint(fetch(&hub, &name(text)))
    };
    assert!(refused(None, "org/other").contains("has no model org/other"));
    assert!(refused(Some(404), "org/name@v9").contains("has no model org/name@v9"));
    let gated = refused(Some(403), "org/name");
    assert!(
        gated.contains("403") && gated.contains("HF_TOKEN"),
        "{gated}"
    );
    assert!(refused(Some(500), "org/name").contains("check HF_ENDPOINT"));
}

#[test]
fn models_that_lack_a_file_are_refused_before_anything_is_fetched() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let mut files = model_files();
        files.remove(file);
        let server = Server::start(files);
        let (_cache, hub) = hub(&server);
        let words = complaint(fetch(&hub, &name("org/name")));
        assert!(words.contains(&format!("it has no {file}")), "{words}");
        assert_eq!(server.take_log("resolve").len(), 0);
    }
}

#[test]
fn the_token_goes_to_the_hub_and_progress_comes_back() {
    let server = Server::start(model_files());
    server.edit(|contents| contents.token = Some("secret".to_owned()));
    let (_cache, mut hub) = hub(&server);
    assert!(complaint(fetch(&hub, &name("org/name"))).contains("401"));
    hub.token = Some("secret".to_owned());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    hub.report = Some(Arc::new(move |progress| {
        told.lock().unwrap().push(progress)
    }));
    fetch(&hub, &name("org/name")).unwrap();
    let seen = seen.lock().unwrap();
    let last = seen
        .iter()
        .rfind(|progress| progress.file == "model.safetensors")
        .unwrap();
    assert_eq!(last.bytes, last.bytes_total);
    assert_eq!(
        last.bytes_total as usize,
        model_files()["model.safetensors"].len()
    );
}

#[test]
fn an_index_that_names_files_elsewhere_is_refused() {
    let mut files = model_files();
    files.remove("model.safetensors");
    files.insert(
        INDEX.to_owned(),
        br#"{"weight_map": {"a": "../../../../etc/passwd"}}"#.to_vec(),
    );
    let server = Server::start(files);
    let (_cache, hub) = hub(&server);
    assert!(complaint(fetch(&hub, &name("org/name"))).contains("do not use this model"));
}
