//! Every chat template is refused or rendered over conversations, within its limits of work, depth and size.
#![no_main]

use std::collections::BTreeMap;

use azr_model::chat_template::{ChatTemplate, Conversation, Ending, Message};
use libfuzzer_sys::fuzz_target;

/// A text has no more characters than the work that a template may do allows, whatever it says.
const TEXT_BYTES_MAX: usize = 64 << 20;

fuzz_target!(|source: &str| {
    let special = BTreeMap::from([("bos_token".to_owned(), "<s>".to_owned())]);
    let template = ChatTemplate::new(source.to_owned(), special);
    let messages = vec![
        Message::system("be brief"),
        Message::user("héllo"),
        Message::assistant(""),
    ];
    for ending in [Ending::LastMessage, Ending::AssistantTurn] {
        let conversation = Conversation::from(messages.clone());
        if let Ok(text) = template.render(&conversation, ending) {
            assert!(text.len() <= TEXT_BYTES_MAX, "{} bytes", text.len());
        }
    }
});
