//! The words of azr-tiny's tokenizer: what generated lessons are made of, each as one token.
//!
//! A list element is one token together with what follows it (`7, ` or `7]`): spread over several tokens, copying a list
//! is too hard for a small model to learn. Text outside this list falls back to single bytes, so any text encodes.

use super::program::MODULUS;

/// Every phrase, in the order of its token id after the bytes.
#[must_use]
pub fn phrases() -> Vec<String> {
    let mut all: Vec<String> = FIXED.iter().map(ToString::to_string).collect();
    all.extend((10..MODULUS).map(|n| n.to_string()));
    all.extend((0..MODULUS).map(|n| format!("{n}, ")));
    all.extend((0..MODULUS).map(|n| format!("{n}]")));
    all.extend((1..=3).map(|k| format!("x[{k}:] + x[:{k}]")));
    all.extend((1..=3).map(|k| format!("x[{k}:]")));
    all.extend((1..=5).map(|k| format!("x[:{k}]")));
    all
}

const FIXED: [&str; 47] = [
    // Frames of prompts and answers.
    "# deduction\n",
    "# abduction\n",
    "# induction\n",
    "```python\ndef f(x):",
    "\n    return x\n```",
    "\n    return x",
    "```input\n[",
    "\n```input\n[",
    "```output\n[",
    "\n```output\n[",
    "\n```",
    "\n```\n",
    "<think>",
    "\n<think>",
    "\n```\n<think>",
    "</think>",
    "</think>\n```output\n[",
    "</think>\n```input\n[",
    "\n[",
    "```python\n",
    "```input\n",
    "```output\n",
    "```message\n",
    "```",
    // Statements.
    "def f(x):",
    "\n    x = ",
    "\n    if len(x) > ",
    ": x = ",
    // Expressions.
    "x[::-1]",
    "sorted(x)",
    "sorted(x)[::-1]",
    "x[::2]",
    "x + x[:1]",
    "x + [",
    " + x",
    "x + [len(x)]",
    "x + [sum(x) % 20]",
    "[(a + ",
    "[(a * ",
    ") % 20 for a in x]",
    "[19 - a for a in x]",
    "[a for a in x if a > ",
    "[a for a in x if a < ",
    "[a for a in x if a % 2 == ",
    "[max(a, ",
    "[min(a, ",
    ") for a in x]",
];
