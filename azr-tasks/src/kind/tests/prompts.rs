//! What proposers and solvers are asked.

use super::*;
use crate::grammar::Part;

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
            prefill: "".into(),
            last_marker: None,
        }
    );
    let solve = Prompt {
        user: format!("{fence}```input\n1, 2\n```\n"),
        prefill: "<think>".into(),
        last_marker: None,
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
        last_marker: None,
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
            prefill: "".into(),
            last_marker: None,
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

#[test]
fn a_prompt_names_the_last_marker_only_where_nothing_that_counts_can_follow_it() {
    let markers = |format, options| {
        let prompts = Prompts::new(options, &Standards::new(Grammar::new(format)));
        TaskKind::ALL.map(|kind| {
            let (rules, task) = (kind.rules(), kind.rules().identity());
            let shown = references(std::slice::from_ref(&task));
            let propose = rules.propose_prompt(&prompts, &shown).last_marker;
            (propose, rules.solve_prompt(&prompts, &task).last_marker)
        })
    };
    let (tagged, fenced) = (AnswerFormat::Tagged, AnswerFormat::Fenced);
    let opened = PromptOptions {
        solve_opening: Opening::Block,
        ..PromptOptions::full(fenced)
    };
    let answer = Some("</answer>");
    assert_eq!(
        markers(tagged, PromptOptions::full(tagged)),
        [(answer, answer); 3]
    );
    assert_eq!(
        markers(fenced, PromptOptions::full(fenced)),
        [(None, None); 3]
    );
    assert_eq!(markers(fenced, opened), [(None, Some("\n```")); 3]);
    assert_eq!(markers(fenced, PromptOptions::compact()), [(None, None); 3]);
}

#[test]
fn a_response_that_ends_with_the_last_marker_is_read() {
    let grammar = standards().grammar;
    let opened = PromptOptions {
        solve_opening: Opening::Block,
        ..PromptOptions::full(AnswerFormat::Fenced)
    };
    let prompts = Prompts::new(opened, &standards());
    for (kind, part, body) in [
        (TaskKind::Deduction, Part::Output, "3"),
        (TaskKind::Abduction, Part::Input, "1, 2"),
        (TaskKind::Induction, Part::Program, "a):\n    return a"),
    ] {
        let prompt = kind
            .rules()
            .solve_prompt(&prompts, &kind.rules().identity());
        let marker = prompt.last_marker.unwrap();
        let text = format!("{}{body}{marker}", prompt.prefill);
        let read = grammar.read_answer(&text, part).unwrap();
        assert!(read.ends_with(body), "{read:?}");
    }
}
