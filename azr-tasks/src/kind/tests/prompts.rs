//! What proposers and solvers are asked.

use super::*;

fn compact() -> Prompts {
    Prompts::new(PromptOptions::compact(), &standards())
}

#[test]
fn compact_prompts_are_bare_blocks() {
    let deduction = task(TaskKind::Deduction, ADD, &[("1, 2", "3")], 0);
    let shown = references(std::slice::from_ref(&deduction));
    let fence = "```python\ndef f(a, b):\n    return a + b\n```\n";
    let rules = TaskKind::Deduction.rules();
    assert_eq!(
        rules.propose_prompt(&compact(), &shown),
        Prompt {
            user: format!("# deduction\n{fence}"),
            prefill: "".into()
        }
    );
    let solve = Prompt {
        user: format!("{fence}```input\n1, 2\n```\n"),
        prefill: "<think>".into(),
    };
    assert_eq!(rules.solve_prompt(&compact(), &deduction), solve);
    let rules = TaskKind::Abduction.rules();
    assert_eq!(
        rules.propose_prompt(&compact(), &shown).user,
        format!("# abduction\n{fence}")
    );
    let solve = Prompt {
        user: format!("{fence}```output\n3\n```\n"),
        prefill: "<think>".into(),
    };
    assert_eq!(rules.solve_prompt(&compact(), &deduction), solve);
    let rules = TaskKind::Induction.rules();
    assert_eq!(
        rules.propose_prompt(&compact(), &shown).user,
        format!("# induction\n{fence}")
    );
    let induction = task(
        TaskKind::Induction,
        ADD,
        &[("1, 2", "3"), ("2, 2", "4"), ("0, 0", "0")],
        2,
    );
    let user = "```input\n1, 2\n```\n```output\n3\n```\n```input\n2, 2\n```\n```output\n4\n```\n";
    assert_eq!(
        rules.solve_prompt(&compact(), &induction),
        Prompt {
            user: user.into(),
            prefill: "".into()
        }
    );
}

#[test]
fn a_program_full_of_slots_changes_no_prompt() {
    let program = "def f(x):\n    return '{input}{output}{form}{references}' + x";
    let task = task(
        TaskKind::Deduction,
        program,
        &[("'{program}'", "'{cases}'")],
        0,
    );
    for options in [
        PromptOptions::compact(),
        PromptOptions::full(AnswerFormat::Tagged),
    ] {
        let prompts = Prompts::new(options, &standards());
        for kind in TaskKind::ALL {
            let user = kind
                .rules()
                .propose_prompt(&prompts, &references(std::slice::from_ref(&task)))
                .user;
            assert_eq!(user.matches(program).count(), 1, "{user}");
        }
        let user = TaskKind::Deduction
            .rules()
            .solve_prompt(&prompts, &task)
            .user;
        assert!(
            user.contains(program) && user.contains("```input\n'{program}'\n```"),
            "{user}"
        );
    }
}

#[test]
fn full_prompts_say_what_is_wanted_and_open_the_answer_as_configured() {
    let options = PromptOptions {
        set: PromptSet::Full,
        propose_opening: Opening::Block,
        solve_opening: Opening::Free,
    };
    let prompts = Prompts::new(options, &standards());
    let shown = References {
        form: 8,
        ingredients: vec!["a list", "rotate"],
        ..references(&[task(TaskKind::Deduction, ADD, &[("1, 2", "3")], 0)])
    };
    for kind in TaskKind::ALL {
        let propose = kind.rules().propose_prompt(&prompts, &shown);
        for part in [ADD, "```input\n"] {
            assert!(
                propose.user.contains(part),
                "{part} is missing in {}",
                propose.user
            );
        }
        let counted = "Input 1 of 10:\n```input\n1, 2\n```\nInput 2 of 10:\n```input\n";
        assert!(["```input\n", counted].contains(&propose.prefill.as_str()));
        assert_eq!(
            propose.user.contains("a list, rotate"),
            kind != TaskKind::Induction
        );
        // The example in the prompt has to be what the reader takes.
        let read = kind
            .rules()
            .read_proposal(&propose.user, &shown, &standards().grammar);
        assert!(read.is_ok(), "{read:?} from {}", propose.user);
        let solve = kind
            .rules()
            .solve_prompt(&prompts, &kind.rules().identity());
        assert_eq!(solve.prefill, "");
        assert!(!solve.user.contains("\n\n\n") && !propose.user.contains("\n\n\n"));
    }
    let tagged = Prompts::new(
        PromptOptions::full(AnswerFormat::Tagged),
        &Standards::new(Grammar::new(AnswerFormat::Tagged)),
    );
    let propose = TaskKind::Deduction.rules().propose_prompt(&tagged, &shown);
    assert_eq!(propose.prefill, "<think>");
    assert!(propose.user.contains("<answer>"));
}
