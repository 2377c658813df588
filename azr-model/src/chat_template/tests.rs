//! Templates behave as under Hugging Face `apply_chat_template`.

use super::*;

fn template(source: &str) -> ChatTemplate {
    let special = BTreeMap::from([
        ("bos_token".to_owned(), "<s>".to_owned()),
        ("eos_token".to_owned(), "</s>".to_owned()),
    ]);
    ChatTemplate::new(source, special)
}

fn shown(source: &str) -> String {
    let messages = [
        Message::system("Be brief."),
        Message::user("Hi <b>"),
        Message::assistant("Hello"),
    ];
    template(source)
        .render(&messages.to_vec().into(), Ending::AssistantTurn)
        .unwrap()
}

#[test]
fn blocks_are_trimmed_as_jinja2_trims_them() {
    let source = "{% for m in messages %}\n    {% if m.role == 'user' %}\n[{{ m.content }}]\n    {% endif %}\n{% endfor %}\n{{ bos_token }}\n";
    assert_eq!(shown(source), "[Hi <b>]\n<s>");
}

#[test]
fn python_methods_work() {
    assert_eq!(
        shown("{{ '  a '.strip() }}|{{ 'a,b'.split(',')[1] }}|{{ 'ab'.startswith('a') }}"),
        "a|b|True"
    );
    assert_eq!(
        shown("{% for k, v in {'x': 1, 'a': 2}.items() %}{{ k }}{{ v }}{% endfor %}"),
        "x1a2"
    );
    assert_eq!(
        shown("{{ messages[0].get('name', 'none') }}{{ messages[0].get('role') }}"),
        "nonesystem"
    );
    assert_eq!(
        shown(
            "{{ messages[::-1][0].content }}{{ messages[1:][0]['role'] }}{{ messages[-1].role }}"
        ),
        "Hellouserassistant"
    );
    assert_eq!(
        shown(
            "{{ 'a</think>b'.split('</think>')[-1].lstrip('\\n') }}{{ 'x'.upper() }}{{ 'a-b'.replace('-', '+') }}"
        ),
        "bXa+b"
    );
}

#[test]
fn namespaces_macros_and_loop_controls_work() {
    let source = "{%- macro show(m) %}({{ m.role }}){% endmacro -%}{% set ns = namespace(n=0) %}{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{% set ns.n = ns.n + 1 %}{{ show(m) }}{% if loop.last %}{% break %}{% endif %}{% endfor %}{{ ns.n }}";
    assert_eq!(shown(source), "(user)(assistant)2");
}

#[test]
fn json_is_written_as_python_writes_it() {
    assert_eq!(
        shown("{{ {'b': [1, 2.5, none, true], 'a': 'é<\\'&'} | tojson }}"),
        r#"{"b": [1, 2.5, null, true], "a": "é<'&"}"#
    );
    assert_eq!(
        shown("{{ {'a': [1]} | tojson(indent=2) }}"),
        "{\n  \"a\": [\n    1\n  ]\n}"
    );
}

#[test]
fn generation_tags_print_nothing() {
    let source =
        "{% for m in messages %}{%- generation %}{{ m.role }}{% endgeneration -%}{% endfor %}";
    assert_eq!(shown(source), "systemuserassistant");
}

#[test]
fn the_date_is_the_callers_and_never_the_clocks() {
    let source = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% endif %}";
    assert_eq!(shown(source), "26 Jul 2024");
    let later = template(source).with_date(CivilTime::from_unix_seconds(1_798_761_599));
    assert_eq!(
        later
            .render(&vec![Message::user("x")].into(), Ending::LastMessage)
            .unwrap(),
        "31 Dec 2026"
    );
}

#[test]
fn a_template_that_refuses_says_why() {
    let source = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}";
    let error = template(source)
        .render(&vec![Message::system("x")].into(), Ending::LastMessage)
        .unwrap_err();
    let words = error.to_string();
    assert!(words.contains("System role not supported"), "{words}");
    assert!(words.contains("turns that do not alternate"), "{words}");
}

#[test]
fn a_template_that_fails_names_what_it_asks_for() {
    let error = template("a\n{{ messages | pprint }}")
        .render(&vec![Message::user("x")].into(), Ending::LastMessage)
        .unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "line 2: the filter pprint is not supported");
    assert!(!error.to_string().contains("alternate"), "{error}");
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let source =
        "{% for a in range(10000) %}{% for b in range(10000) %}{{ b }}{% endfor %}{% endfor %}";
    assert!(matches!(
        template(source).render(&vec![Message::user("x")].into(), Ending::LastMessage),
        Err(ChatTemplateError::Render { .. })
    ));
}

#[test]
fn a_broken_template_is_refused_when_it_is_used() {
    for source in ["{% for %}", "{% generation", "{% generation %}", "{{ a"] {
        let template = ChatTemplate::new(source, BTreeMap::new());
        assert!(matches!(
            template.render(&vec![Message::user("x")].into(), Ending::LastMessage),
            Err(ChatTemplateError::Parse(_))
        ));
        assert_eq!(template.sources().default(), Some(source));
    }
}

/// A conversation as a line of a prompts file gives it.
fn conversation(messages: &str, tools: &str) -> Conversation {
    Conversation {
        messages: serde_json::from_str(messages).unwrap(),
        tools: serde_json::from_str(tools).unwrap(),
        documents: None,
    }
}

/// Wrong prompts that were reported, with the text of transformers 5.24.
#[test]
fn what_was_rendered_wrongly_is_rendered_as_transformers_renders_it() {
    let hi = conversation(r#"[{"role": "user", "content": "hi"}]"#, "null");
    let cases = [
        (
            "{% if tools is iterable and tools | length > 0 %}tools{% else %}none{% endif %} {{ messages[0].content }}",
            "none hi",
        ),
        (
            "{% if messages[0]['tool_calls'] | length > 0 %}calls{% else %}none{% endif %}",
            "none",
        ),
        ("{{ messages[0].tool_calls | first }}|", "|"),
        (
            "{% for m in messages %}\r\n<|{{ m.role }}|>\r\n{{ m.content }}\r\n{% endfor %}\r\n",
            "<|user|>\nhi\n",
        ),
        ("{{ 'a\r\nb' }}", "a\nb"),
        ("{{ messages[0] }}", "{'role': 'user', 'content': 'hi'}"),
        ("{{ ['a', 'b'] }}{{ ('a', 1) }}", "['a', 'b']('a', 1)"),
        ("{{ 1e16 }} {{ 1e-7 }}", "1e+16 1e-07"),
        ("{{ 'a b'.rsplit(' ', 1)[0] }}{{ '%s' % 'a' }}", "aa"),
        ("{{ strftime_now('%-d %B %Y') }}", "26 July 2024"),
        (
            "{{ {'a': [1, 2]} | tojson(separators=(',', ':')) }}",
            "{\"a\":[1,2]}",
        ),
        ("{% set é = 1 %}{{ é }}{% set loop = 3 %}{{ loop }}", "13"),
    ];
    for (source, expected) in cases {
        let found = template(source).render(&hi, Ending::LastMessage);
        assert_eq!(found.unwrap(), expected, "{source}");
    }
    for source in [
        "{% for t in tools %}x{% endfor %}y",
        "{% if nothing < 3 %}a{% endif %}b",
    ] {
        let found = template(source).render(&hi, Ending::LastMessage);
        assert!(
            matches!(found, Err(ChatTemplateError::Render { .. })),
            "{source}"
        );
    }
}

#[test]
fn a_template_is_given_the_whole_message() {
    let messages = r#"[
        {"role": "user", "name": "ann", "content": "hi"},
        {"role": "assistant", "reasoning": "2+2", "content": null, "tool_calls": [{"function": {"name": "w", "arguments": {"n": 123456789012345678901}}}]},
        {"role": "tool", "tool_call_id": "1", "content": "4"},
        {"role": "user", "content": [{"type": "text", "text": "so"}]}
    ]"#;
    let source = "{% for m in messages %}{{ m.role }}:{{ m.reasoning_content }}{{ m.name }}{{ m.tool_call_id }}{% for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}{{ m.content }};{% endfor %}{{ tools[0].name }}";
    let found = template(source)
        .render(
            &conversation(messages, r#"[{"name": "f"}]"#),
            Ending::LastMessage,
        )
        .unwrap();
    assert_eq!(
        found,
        "user:annhi;assistant:2+2w{\"n\": 123456789012345678901};tool:14;user:[{'type': 'text', 'text': 'so'}];f"
    );
}

#[test]
fn a_conversation_that_is_none_is_refused() {
    let template = template("x");
    assert!(matches!(
        template.render(&Conversation::default(), Ending::LastMessage),
        Err(ChatTemplateError::NoMessages)
    ));
    let tools = conversation(r#"[{"role": "user"}]"#, "[{}, 3]");
    assert!(matches!(
        template.render(&tools, Ending::LastMessage),
        Err(ChatTemplateError::NoObject {
            kind: "tool",
            index: 1
        })
    ));
    for wrong in ["3", "{}", r#"{"role": 3}"#] {
        assert!(serde_json::from_str::<Message>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn templates_with_names_are_chosen_by_whether_there_are_tools() {
    let named = |names: &[&str]| {
        let sources = names
            .iter()
            .map(|it| ((*it).to_owned(), format!("of {it}")));
        ChatTemplate::new(TemplateSources::Named(sources.collect()), BTreeMap::new())
    };
    let plain = conversation(r#"[{"role": "user"}]"#, "null");
    let tools = conversation(r#"[{"role": "user"}]"#, "[]");
    let both = named(&["default", "rag", "tool_use"]);
    let text = |it: &Conversation| both.render(it, Ending::LastMessage).unwrap();
    assert_eq!(text(&plain), "of default");
    assert_eq!(text(&tools), "of tool_use");
    let error = named(&["rag", "tool_use"])
        .render(&plain, Ending::LastMessage)
        .unwrap_err();
    assert!(
        error.to_string().contains(
            "multiple chat templates with no default specified (there are [\"rag\", \"tool_use\"])"
        ),
        "{error}"
    );
}
