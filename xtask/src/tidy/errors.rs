//! Errors: one variant per operation that can fail, never a bag of text.

use super::Findings;
use crate::tree::Tree;

const TEXT_TYPES: [&str; 5] = [
    "String",
    "&'static str",
    "Box<str>",
    "Cow<'static, str>",
    "std::string::String",
];
const TEXT_FIELDS: [&str; 7] = [
    "message",
    "msg",
    "reason",
    "detail",
    "details",
    "text",
    "description",
];

/// Fails on a variant of an error enum whose only content is text that somebody composed elsewhere.
pub fn no_text_only_variants(tree: &Tree, findings: &mut Findings) {
    for (file, source) in tree.rust() {
        for (name, at, body) in source.enums() {
            if !name.ends_with("Error") || source.is_test(source.line(at)) {
                continue;
            }
            for (offset, variant) in variants(&source.code[body.clone()]) {
                if is_text_only(&variant) {
                    let line = source.line(body.start + offset);
                    let message = format!(
                        "a variant of `{name}` holds only text; name the operation and its parts"
                    );
                    findings.add("error", &file.path, line, message);
                }
            }
        }
    }
}

/// The variants of an enum's body (with its braces), each with its offset.
fn variants(body: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0i32, 1);
    for (at, it) in body.char_indices() {
        match it {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        let ends = (it == ',' && depth == 1) || depth == 0;
        if ends && start < at {
            let skipped = body[start..at].len() - body[start..at].trim_start().len();
            found.push((start + skipped, without_attributes(&body[start..at])));
            start = at + 1;
        }
    }
    found
}

fn is_text_only(variant: &str) -> bool {
    let Some(open) = variant.find(['(', '{']) else {
        return false;
    };
    let content = variant[open + 1..]
        .trim_end_matches([')', '}'])
        .trim()
        .trim_end_matches(',')
        .trim();
    if variant[open..].starts_with('(') {
        return TEXT_TYPES.contains(&without_attributes(content).trim());
    }
    let Some((field, kind)) = content.split_once(':') else {
        return false;
    };
    TEXT_FIELDS.contains(&field.trim()) && TEXT_TYPES.contains(&kind.trim())
}

/// Removes `#[...]` at the beginning.
fn without_attributes(text: &str) -> String {
    let mut rest = text.trim();
    while rest.starts_with("#[") {
        let mut depth = 0i32;
        let end = rest.char_indices().find(|(_, it)| {
            depth += i32::from(*it == '[') - i32::from(*it == ']');
            *it == ']' && depth == 0
        });
        let Some((end, _)) = end else { break };
        rest = rest[end + 1..].trim();
    }
    rest.to_string()
}
