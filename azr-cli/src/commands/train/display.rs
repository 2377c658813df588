//! The live display of a run on a terminal, and plain lines elsewhere. Both only watch.

use std::time::{Duration, Instant};

use azr_rl::metrics::StepMetrics;
use azr_rl::observer::{Event, Observer, Phase};
use azr_tasks::Role;
use indicatif::{ProgressBar, ProgressStyle};

use super::progress::{self, Clock};
use crate::chart::short;
use crate::sink::Sink;

/// The observer that fits where standard error leads.
pub fn observer(sink: &Sink) -> Box<dyn Observer + '_> {
    if sink.is_live {
        Box::new(Live::new(sink))
    } else {
        Box::new(Lines {
            sink,
            steps: 0,
            clock: Clock::default(),
        })
    }
}

/// A line for whatever is worth one.
struct Lines<'s> {
    sink: &'s Sink,
    steps: u64,
    clock: Clock,
}

impl Observer for Lines<'_> {
    fn notice(&mut self, event: &Event<'_>) {
        match event {
            Event::Opened { steps, .. } => self.steps = *steps,
            Event::Step(metrics) => {
                self.clock.step(metrics.seconds.total);
                self.sink
                    .note(progress::step_line(metrics, self.steps, &self.clock));
            }
            Event::Phase {
                step: 0,
                phase,
                items,
            } if *phase != Phase::Save => {
                self.sink.note(format_args!(
                    "before the first step: {} {items}",
                    phase.name()
                ));
            }
            _ => {}
        }
        note_rare(self.sink, event);
    }
}

/// Bars and lines that are redrawn in place.
struct Live<'s> {
    sink: &'s Sink,
    steps: u64,
    clock: Clock,
    phase_begun: Instant,
    run: ProgressBar,
    phase: ProgressBar,
    lines: [ProgressBar; 4],
}

impl<'s> Live<'s> {
    fn new(sink: &'s Sink) -> Self {
        let bar = |template: &str| {
            let bar = sink.live.add(ProgressBar::new(0));
            // The templates are constants; a wrong one would show the default bar, not fail.
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("━╸ "));
            bar
        };
        let text = "  {wide_msg}";
        Self {
            sink,
            steps: 0,
            clock: Clock::default(),
            phase_begun: Instant::now(),
            run: bar("step {pos}/{len} {bar:24} {elapsed} {wide_msg}"),
            phase: bar("  {prefix:<8} {bar:18} {pos}/{len} {wide_msg}"),
            lines: [bar(text), bar(text), bar(text), bar(text)],
        }
    }

    fn begin_phase(&mut self, step: u64, phase: Phase, items: usize) {
        self.phase_begun = Instant::now();
        self.run.set_position(step.saturating_sub(1));
        self.phase.reset();
        self.phase.set_length(items as u64);
        self.phase.set_prefix(phase.name());
        self.phase.set_message("");
        self.phase.enable_steady_tick(Duration::from_millis(250));
    }

    fn step(&mut self, metrics: &StepMetrics) {
        self.clock.step(metrics.seconds.total);
        self.run.set_position(metrics.step);
        let left = self
            .clock
            .left(self.steps.saturating_sub(metrics.step))
            .unwrap_or_default();
        self.run.set_message(format!("{left} left"));
        let lines = [
            progress::role_line(metrics, Role::Propose),
            progress::role_line(metrics, Role::Solve),
            progress::buffer_line(metrics),
            progress::policy_line(metrics),
        ];
        for (bar, line) in self.lines.iter().zip(lines) {
            bar.set_message(line);
        }
    }
}

impl Observer for Live<'_> {
    fn notice(&mut self, event: &Event<'_>) {
        match event {
            Event::Opened { step, steps, .. } => {
                self.steps = *steps;
                self.run.set_length(*steps);
                self.run.set_position(*step);
            }
            Event::Phase { step, phase, items } => self.begin_phase(*step, *phase, *items),
            Event::Progress {
                done,
                items,
                tokens,
                ..
            } => {
                self.phase.set_length(*items as u64);
                self.phase.set_position(*done as u64);
                let seconds = self.phase_begun.elapsed().as_secs_f64().max(1e-3);
                self.phase
                    .set_message(format!("{} tok/s", short(*tokens as f64 / seconds)));
            }
            Event::Step(metrics) => self.step(metrics),
            _ => {}
        }
        note_rare(self.sink, event);
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        for bar in [&self.run, &self.phase].into_iter().chain(&self.lines) {
            bar.finish_and_clear();
        }
    }
}

/// What is worth a line that stays, on a terminal as elsewhere.
fn note_rare(sink: &Sink, event: &Event<'_>) {
    match event {
        Event::Step(metrics) => {
            if let Some(words) = progress::nothing_learned(metrics) {
                sink.note(&words);
            }
        }
        Event::Evaluated { step, evaluation } => {
            let rates: Vec<String> = evaluation
                .since(evaluation)
                .iter()
                .map(|(kind, it)| {
                    format!("{} {:.3} of {} tasks", kind.name(), it.solve_rate, it.tasks)
                })
                .collect();
            sink.note(format_args!(
                "held-out after step {step}: {}",
                rates.join(", ")
            ));
        }
        Event::ConfigChanged(change) => {
            let shown = |value: &Option<String>| value.clone().unwrap_or("nothing".to_owned());
            let (before, after) = (shown(&change.before), shown(&change.after));
            let words = format!(
                "{} was {before} so far and is {after} from now on",
                change.key
            );
            sink.note(&words);
        }
        Event::CheckpointSkipped { directory, damage } => {
            sink.note(format_args!(
                "checkpoint {} is damaged ({}); using an older one",
                directory.display(),
                damage
            ));
        }
        _ => {}
    }
}
