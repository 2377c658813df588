//! Where words go: results to standard output, everything else to standard error. The only file that prints.

use std::fmt::{Display, Formatter};
use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;
use serde::Serialize;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::environment::Environment;
use crate::visible::{json_line, visible};

/// How much of the log is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// What a person should know.
    Warn,
    /// What happens.
    Info,
    /// What happens inside.
    Debug,
    /// Everything.
    Trace,
}

/// Standard output and standard error, and what may be done there.
pub struct Sink {
    /// Live displays go here; lines written through [`Sink::note`] appear above them.
    pub live: MultiProgress,
    /// Standard error is a terminal that can redraw.
    pub is_live: bool,
    /// Standard output is a terminal.
    pub results_are_watched: bool,
    results: Paint,
    notes: Paint,
}

/// Nobody reads standard output any more.
#[derive(Debug)]
pub struct ReaderGone;

impl std::error::Error for ReaderGone {}

impl Display for ReaderGone {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("cannot write to standard output: nobody reads it")
    }
}

/// Whether a stream takes color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Escape sequences for color are understood.
    Color,
    /// Plain text only.
    Plain,
}

impl Sink {
    /// Looks at where the two streams lead.
    pub fn new(environment: &Environment) -> Self {
        let paint = |is_terminal: bool| {
            if is_terminal && !environment.no_color && !environment.dumb_terminal {
                Paint::Color
            } else {
                Paint::Plain
            }
        };
        let is_live = io::stderr().is_terminal() && !environment.dumb_terminal;
        Self {
            live: MultiProgress::new(),
            is_live,
            results_are_watched: io::stdout().is_terminal(),
            results: paint(io::stdout().is_terminal()),
            notes: paint(io::stderr().is_terminal()),
        }
    }

    /// Writes a line of results to standard output.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub fn result(&self, line: impl Display) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}")
            .and_then(|()| stdout.flush())
            .map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => io::Error::new(error.kind(), ReaderGone),
                kind => io::Error::new(kind, format!("cannot write to standard output: {error}")),
            })
    }

    /// Writes a value as one line of JSON to standard output.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub fn json(&self, value: &impl Serialize) -> io::Result<()> {
        self.result(json_line(value)?)
    }

    /// Writes a line for the person who watches to standard error. Nothing in it can steer a terminal.
    pub fn note(&self, line: impl Display) {
        self.note_painted(&visible(&line.to_string()));
    }

    fn note_painted(&self, line: &str) {
        let write = || {
            // Nobody listening on standard error is no reason to stop working.
            let _ = writeln!(io::stderr().lock(), "{line}");
        };
        if self.is_live {
            self.live.suspend(write)
        } else {
            write()
        }
    }

    /// Says why the request was not done.
    pub fn failure(&self, sentence: &str) {
        let mark = self.notes.red("azr:");
        self.note_painted(&format!("{mark} {}", visible(sentence)));
    }

    /// How results may be painted.
    pub fn results(&self) -> Paint {
        self.results
    }
}

impl Paint {
    /// For what matters.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// For what may be skipped.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// For what is wrong.
    pub fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    /// For what is right.
    pub fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self == Self::Color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_string()
        }
    }
}

/// Sends the log of this process to standard error, above any live display.
pub fn start_log(level: LogLevel, sink: &Sink) {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let live = sink.live.clone();
    let is_live = sink.is_live;
    let writer = BoxMakeWriter::new(move || AboveDisplay {
        live: is_live.then(|| live.clone()),
    });
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(writer)
        .with_ansi(sink.notes == Paint::Color)
        .with_target(level >= LevelFilter::DEBUG)
        .without_time();
    // Only a second subscriber could make this fail, and this is the one place that sets one.
    let _ = log.try_init();
}

/// A writer to standard error that lets a live display step aside.
struct AboveDisplay {
    live: Option<MultiProgress>,
}

impl Write for AboveDisplay {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.live {
            Some(live) => live.suspend(|| io::stderr().lock().write(bytes)),
            None => io::stderr().lock().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
