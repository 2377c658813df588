//! No text makes the crate panic, and no answer is right that the sandbox did not make right.

use proptest::prelude::*;

use super::*;

/// Pieces of what models write, in any order.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("```python\n".to_owned()),
        Just("```input\n".to_owned()),
        Just("```output\n".to_owned()),
        Just("```message\n".to_owned()),
        Just("\n```\n".to_owned()),
        Just("def f(a, b):\n    return a".to_owned()),
        Just("<think>".to_owned()),
        Just("</think><answer>".to_owned()),
        Just("1, 2".to_owned()),
        Just("[[[[((((".to_owned()),
        Just("'\\x00\\ud800', b'\\xff', 1e999, --1".to_owned()),
        "[ -~\n\t]{0,12}",
        ".{0,6}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_gets_a_verdict_and_any_proposal_a_decision(text in text()) {
        let sandbox = giving(Outcome::Returned(Value::Str("never the answer".into())));
        let given = [task(TaskKind::Deduction, ADD, &[("1, 2", "3")], 0)];
        for kind in TaskKind::ALL {
            let _ = judged(kind, &text, &given, &sandbox);
            // The expected value is in no piece, and the sandbox never gives it.
            let task = task(kind, ADD, &[("1, 2", "987654321"), ("3, 4", "123456789")], 1);
            prop_assert_ne!(verdict(&task, &text, &sandbox), Verdict::Correct);
        }
    }
}
