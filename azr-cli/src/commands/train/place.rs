//! Where a new run is kept unless a flag says where: `runs/<date>-<name>`, made unique.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A directory below `runs`, named after today and the model, that does not exist.
pub fn fresh(model: &str, now: SystemTime) -> PathBuf {
    let free = names(model, now).find(|it| !it.exists());
    free.unwrap_or_default()
}

/// Makes such a directory, which is then no other run's, and nothing in it.
///
/// # Errors
/// When no directory can be made there.
pub fn claim(model: &str, now: SystemTime) -> io::Result<PathBuf> {
    fs::create_dir_all(PARENT)?;
    for name in names(model, now) {
        match fs::create_dir(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| name),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

const PARENT: &str = "runs";

/// `runs/<date>-<name>`, then the same with `-2`, `-3` and so on.
fn names(model: &str, now: SystemTime) -> impl Iterator<Item = PathBuf> {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    let first = format!("{}-{}", date(seconds), stem(model));
    let others = (2_u32..).map({
        let first = first.clone();
        move |number| format!("{first}-{number}")
    });
    std::iter::once(first)
        .chain(others)
        .map(|name| Path::new(PARENT).join(name))
}

/// The last part of a path or hub id, without what would be odd in the name of a directory.
fn stem(model: &str) -> String {
    let last = model
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(model);
    let last = last.strip_suffix(".gguf").unwrap_or(last);
    let plain: String = last
        .chars()
        .map(|it| {
            if it.is_ascii_alphanumeric() || "-_.".contains(it) {
                it
            } else {
                '-'
            }
        })
        .collect();
    let plain = plain.trim_matches(['-', '.']).to_lowercase();
    if plain.is_empty() {
        "model".to_string()
    } else {
        plain
    }
}

/// `2025-01-31` (UTC) for seconds since 1970: days counted in eras of 400 years that begin on the first of March.
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let known = [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_735_689_599, "2024-12-31"),
        ];
        for (seconds, expected) in known {
            assert_eq!(date(seconds), expected);
        }
    }

    #[test]
    fn names_come_from_the_end_of_a_path_or_hub_id() {
        let names = [
            "azr-tiny",
            "Qwen/Qwen2.5-Coder-0.5B",
            "/a/b/Model.Q4_1.gguf",
            "../..",
            "a b\u{1b}",
        ]
        .map(stem);
        assert_eq!(
            names,
            [
                "azr-tiny",
                "qwen2.5-coder-0.5b",
                "model.q4_1",
                "model",
                "a-b"
            ]
        );
    }

    #[test]
    fn a_second_run_of_a_day_gets_a_number() {
        let names: Vec<PathBuf> = names("a/B", UNIX_EPOCH).take(3).collect();
        let expected = [
            "runs/1970-01-01-b",
            "runs/1970-01-01-b-2",
            "runs/1970-01-01-b-3",
        ];
        assert_eq!(names, expected.map(PathBuf::from));
    }
}
