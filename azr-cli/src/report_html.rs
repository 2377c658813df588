//! `report.html`: the curves of a run and samples of what was said in it, on one page that needs nothing else.
//!
//! Everything a model wrote is escaped, the page has no script at all, and its content policy refuses to load anything.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use crate::chart::{Curve, short, svg};
use crate::run_directory::{RunDirectory, number, text};
use crate::visible::visible;

/// Responses on the page.
const SAMPLES_MAX: usize = 24;
/// Characters of one text on the page.
const TEXT_CHARACTERS_MAX: usize = 4_000;

/// One drawing: its title and the fields it shows; `*` stands for one part of a name.
const DRAWINGS: [(&str, &[&str]); 11] = [
    ("Held-out solve rate", &["eval.*.solve_rate"]),
    ("Solve rate", &["lanes.solve.*.solve_rate"]),
    ("Valid proposals", &["lanes.propose.*.valid_rate"]),
    ("Learnability of new tasks", &["learnability.*.mean"]),
    ("Mean reward", &["lanes.*.*.reward_mean"]),
    ("Tokens per response", &["lanes.*.*.response_tokens_mean"]),
    (
        "Responses cut at their limit",
        &["lanes.*.*.truncated_rate"],
    ),
    ("Tasks in the buffer", &["buffer.tasks.*"]),
    (
        "Entropy and divergence, nats",
        &["policy.entropy", "policy.kl_sampler_learner"],
    ),
    ("Gradient norm", &["policy.grad_norm"]),
    (
        "Tokens per second",
        &["tokens.generated_per_second", "tokens.trained_per_second"],
    ),
];

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}figure{margin:0}figcaption{font-weight:600}\
.curves{display:grid;grid-template-columns:repeat(auto-fill,minmax(22rem,1fr));gap:1.2rem}\
svg{width:100%;height:auto;font:10px system-ui,sans-serif}svg text{fill:currentColor}polyline{fill:none;stroke-width:1.6}\
.grid{stroke:currentColor;opacity:.2}pre{overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;padding:.5rem;\
border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:4px;font-size:13px}\
table{border-collapse:collapse}td,th{padding:.15rem .8rem;text-align:right}td:first-child,th:first-child{text-align:left}\
summary{cursor:pointer}.facts{opacity:.7}";

/// Writes the page into the run directory and says where it is.
pub fn write(run: &RunDirectory) -> anyhow::Result<PathBuf> {
    let path = run.path().join("report.html");
    let page = page(run)?;
    // Aside and renamed: whoever has the page open never sees half of it.
    let aside = run.path().join(".report.html.partial");
    fs::write(&aside, page)
        .and_then(|()| fs::rename(&aside, &path))
        .inspect_err(|_| {
            // What failed already is what is said.
            let _ = fs::remove_file(&aside);
        })
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn page(run: &RunDirectory) -> anyhow::Result<String> {
    let metrics = run.metrics()?.values;
    let name = run
        .path()
        .file_name()
        .map_or_else(String::new, |it| it.to_string_lossy().into_owned());
    let title = escape(&format!("azr run {name}"));
    let steps = metrics
        .last()
        .and_then(|it| number(it, "step"))
        .unwrap_or(0.0);
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let drawings: String = DRAWINGS
        .iter()
        .map(|(title, patterns)| drawing(title, patterns, &metrics))
        .collect();
    let samples = samples(run)?;
    let config = escape(&run.config()?);
    Ok(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\
         <h1>{title}</h1><p>{steps} steps</p>{}<h2>Curves</h2><div class=\"curves\">{drawings}</div>\
         <h2>Responses of the last step</h2>{samples}\
         <h2>Configuration</h2><details><summary>config.toml</summary><pre>{config}</pre></details></body></html>\n",
        held_out(&metrics)
    ))
}

/// Held-out solve rate of each kind, before and after, from the last record that has it.
fn held_out(metrics: &[Value]) -> String {
    let Some(kinds) = metrics
        .iter()
        .rev()
        .find_map(|it| it.get("eval").and_then(Value::as_object))
    else {
        return String::new();
    };
    let mut rows = String::new();
    for (kind, result) in kinds {
        let cell = |field: &str| {
            number(result, field).map_or_else(|| "-".to_string(), |it| format!("{it:.3}"))
        };
        // Writing to a String cannot fail.
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(kind),
            cell("start"),
            cell("solve_rate"),
            cell("change"),
            cell("change_se")
        );
    }
    let head = "<tr><th>held-out tasks</th><th>before</th><th>after</th><th>change</th><th>standard error</th></tr>";
    format!("<table>{head}{rows}</table>")
}

fn drawing(title: &str, patterns: &[&str], metrics: &[Value]) -> String {
    let fields = crate::commands::inspect::curves_of(metrics);
    let mut named: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for pattern in patterns {
        for (name, points) in fields
            .iter()
            .filter(|(name, _)| crate::commands::inspect::is_named(pattern, name))
        {
            let steps = metrics
                .iter()
                .map(|it| number(it, "step").unwrap_or(f64::NAN));
            named.push((
                escape(&short_name(pattern, name)),
                steps.zip(points.iter().copied()).collect(),
            ));
        }
    }
    let curves: Vec<Curve<'_>> = named
        .iter()
        .map(|(name, points)| Curve { name, points })
        .collect();
    svg(title, &curves)
}

/// The parts of a name that its pattern leaves open, or the last one.
fn short_name(pattern: &str, name: &str) -> String {
    let open: Vec<&str> = pattern
        .split('.')
        .zip(name.split('.'))
        .filter(|(it, _)| *it == "*")
        .map(|(_, part)| part)
        .collect();
    if open.is_empty() {
        name.rsplit('.').next().unwrap_or(name).to_string()
    } else {
        open.join(" ")
    }
}

fn samples(run: &RunDirectory) -> anyhow::Result<String> {
    let Some((step, _)) = run.rollout_files()?.pop() else {
        return Ok("<p>none yet</p>".to_string());
    };
    let records = run.rollouts(step)?.values;
    let stride = records.len().div_ceil(SAMPLES_MAX).max(1);
    Ok(records.iter().step_by(stride).map(sample).collect())
}

fn sample(record: &Value) -> String {
    let value = |path: &str| number(record, path).map_or_else(|| "-".to_string(), short);
    let head = format!("{}: {}", text(record, "lane"), text(record, "verdict"));
    let facts = format!(
        "reward {}, advantage {}, {}",
        value("reward"),
        value("advantage"),
        text(record, "detail")
    );
    let answer = text(record, "prefill").to_string() + text(record, "response");
    format!(
        "<details><summary>{} <span class=\"facts\">{}</span></summary><pre>{}</pre><pre>{}</pre></details>",
        escape(&head),
        escape(&facts),
        escape(text(record, "prompt")),
        escape(&answer)
    )
}

/// Text that can stand anywhere in a page: no character of it is markup.
fn escape(words: &str) -> String {
    let cut: String = words.chars().take(TEXT_CHARACTERS_MAX).collect();
    let mut safe = String::with_capacity(cut.len());
    for it in visible(&cut).chars() {
        match it {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            _ => safe.push(it),
        }
    }
    if cut.len() < words.len() {
        safe + " …"
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run_with(response: &str) -> (tempfile::TempDir, RunDirectory) {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        fs::create_dir_all(root.join("checkpoints")).unwrap();
        fs::create_dir_all(root.join("rollouts")).unwrap();
        fs::write(root.join("config.toml"), "seed = 1\n").unwrap();
        let metrics = json!({"step": 1, "lanes": {"solve": {response: {"solve_rate": 0.5}}}});
        fs::write(root.join("metrics.jsonl"), format!("{metrics}\n")).unwrap();
        let record = json!({"lane": "solve.x", "verdict": response, "prompt": response, "response": response});
        let bytes = zstd::encode_all(format!("{record}\n").as_bytes(), 1).unwrap();
        fs::write(root.join("rollouts/step-000001.jsonl.zst"), bytes).unwrap();
        let run = RunDirectory::open(root).unwrap();
        (place, run)
    }

    #[test]
    fn what_a_model_wrote_cannot_become_markup() {
        let hostile = "</pre><script>alert(1)</script><img src=x onerror='alert(2)'>\"&";
        let (_place, run) = run_with(hostile);
        let page = fs::read_to_string(write(&run).unwrap()).unwrap();
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{page}"
        );
        assert!(page.contains("&lt;script&gt;"));
    }

    #[test]
    fn the_page_loads_nothing() {
        let (_place, run) = run_with("fine");
        let page = page(&run).unwrap();
        assert!(
            !page.contains("http://") && !page.contains("https://") && !page.contains("src="),
            "{page}"
        );
        assert!(page.contains("default-src 'none'"));
        assert!(page.contains("<svg"));
    }

    #[test]
    fn a_run_that_has_just_begun_has_a_page_too() {
        let (_place, run) = run_with("fine");
        fs::remove_file(run.path().join("metrics.jsonl")).unwrap();
        fs::remove_dir_all(run.path().join("rollouts")).unwrap();
        assert!(page(&run).unwrap().contains("none yet"));
    }
}
