//! What is wrong with a directory is said in one sentence, with the file and what to do.

use super::*;

type Damage = Box<dyn FnOnce(&Path)>;

/// What loading says after `damage` was done to a good directory.
fn complaint(damage: impl FnOnce(&Path)) -> String {
    let (_place, directory, _) = saved(Precision::F32);
    damage(&directory);
    sentence(&LanguageModel::load_local(&directory).expect_err("a damaged model must not load"))
}

/// What is done to a directory, and what is said of it.
type Case = (&'static str, Damage, &'static [&'static str]);

fn missing_and_cut_files() -> Vec<Case> {
    vec![
        (
            "no config",
            Box::new(|d| fs::remove_file(d.join("config.json")).unwrap()),
            &["config.json", "does not exist", "name the directory"],
        ),
        (
            "no weights",
            Box::new(|d| fs::remove_file(d.join("model.safetensors")).unwrap()),
            &["model.safetensors", "save_pretrained"],
        ),
        (
            "no tokenizer",
            Box::new(|d| fs::remove_file(d.join("tokenizer.json")).unwrap()),
            &["tokenizer.json", "save_pretrained"],
        ),
        (
            "cut tokenizer",
            Box::new(|d| fs::write(d.join("tokenizer.json"), "{\"model\":").unwrap()),
            &["tokenizer.json", "fetch tokenizer.json again"],
        ),
        (
            "binary tokenizer",
            Box::new(|d| fs::write(d.join("tokenizer.json"), [0xff, 0xfe]).unwrap()),
            &["tokenizer.json", "check that you may read it"],
        ),
    ]
}

fn files_that_do_not_fit() -> Vec<Case> {
    vec![
        (
            "cut generation config",
            Box::new(|d| fs::write(d.join("generation_config.json"), "{").unwrap()),
            &["generation_config.json", "fetch the file again"],
        ),
        (
            "odd generation config",
            Box::new(|d| {
                fs::write(d.join("generation_config.json"), "{\"top_k\": \"all\"}").unwrap()
            }),
            &[
                "generation_config.json",
                "top_k: ",
                "expected a whole number",
                "correct it",
            ],
        ),
        (
            "empty index",
            Box::new(|d| {
                fs::remove_file(d.join("model.safetensors")).unwrap();
                fs::write(
                    d.join("model.safetensors.index.json"),
                    "{\"weight_map\": {}}",
                )
                .unwrap();
            }),
            &["model.safetensors.index.json", "names no shard"],
        ),
        (
            "other family",
            Box::new(|d| edit_json(&d.join("config.json"), |c| c["model_type"] = json!("mamba"))),
            &["config.json", "\"mamba\"", "llama", "qwen3", "choose"],
        ),
        (
            "other width",
            Box::new(|d| {
                edit_json(&d.join("config.json"), |c| {
                    c["intermediate_size"] = json!(72)
                })
            }),
            &[
                "model.safetensors",
                "[64, 32]",
                "[72, 32]",
                "config.json that belongs",
            ],
        ),
        (
            "small vocabulary",
            Box::new(|d| edit_json(&d.join("config.json"), |c| c["vocab_size"] = json!(200))),
            &["258", "200", "use the tokenizer"],
        ),
    ]
}

#[test]
fn a_damaged_directory_is_refused_in_one_sentence_with_the_file_and_a_remedy() {
    let cases = missing_and_cut_files()
        .into_iter()
        .chain(files_that_do_not_fit());
    for (name, damage, expected) in cases {
        let words = complaint(damage);
        for part in expected {
            assert!(words.contains(part), "{name}: {words:?} lacks {part:?}");
        }
    }
}

#[test]
fn shards_outside_the_directory_and_missing_shards_are_refused() {
    let index = |shard: &'static str| {
        move |directory: &Path| {
            fs::remove_file(directory.join("model.safetensors")).unwrap();
            let index = json!({"weight_map": {"model.norm.weight": shard}});
            fs::write(
                directory.join("model.safetensors.index.json"),
                index.to_string(),
            )
            .unwrap();
        }
    };
    assert!(complaint(index("../../etc/passwd")).contains("not in its directory"));
    assert!(complaint(index("/etc/passwd")).contains("not in its directory"));
    assert!(
        complaint(index("model-00001-of-00002.safetensors")).contains("fetch the missing part")
    );
}
