//! A date and time of day that templates print: `strftime` without a clock or a time zone.

use crate::jinja::fault::{Construct, Result, unsupported};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const DAYS_BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// A moment in the proleptic Gregorian calendar, as a wall clock shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CivilTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl CivilTime {
    /// 26 July 2024, midnight: the day that the Llama 3 templates print where no clock is given. Prompts that show the
    /// date are thus the same in every run, whether a template asks for the clock or not.
    pub const UNLESS_SET: Self = Self {
        year: 2024,
        month: 7,
        day: 26,
        hour: 0,
        minute: 0,
        second: 0,
    };

    /// The day and time of day `seconds` after 1970-01-01 00:00 (UTC if the seconds are). Years 1970 to 9999.
    pub fn from_unix_seconds(seconds: u64) -> Self {
        let last_day = 2_932_896; // 9999-12-31
        let mut days = (seconds / 86_400).min(last_day) as u32;
        let of_day = (seconds % 86_400) as u32;
        let mut year = 1970;
        while days_of_year(year) <= days {
            days -= days_of_year(year);
            year += 1;
        }
        let month = (1..=12)
            .rev()
            .find(|&month| days_before(year, month) <= days)
            .unwrap_or(1);
        Self {
            year,
            month,
            day: (days - days_before(year, month) + 1) as u8,
            hour: (of_day / 3600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
        }
    }

    /// Python's `strftime` in the C locale, for the directives that name parts of a date or a time, and with the `-` of
    /// glibc that leaves out leading zeros.
    pub(crate) fn format(self, format: &str) -> Result<String> {
        let mut text = String::with_capacity(format.len() + 16);
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                text.push(letter);
                continue;
            }
            let directive = letters.next().unwrap_or(' ');
            let bare = if directive == '-' {
                letters.next()
            } else {
                None
            };
            let part = match bare {
                Some(number) if "dmyHIMSj".contains(number) => self.part(number).map(|it| {
                    it[..it.len() - 1].trim_start_matches('0').to_owned() + &it[it.len() - 1..]
                }),
                Some(_) => None,
                None => self.part(directive),
            };
            match part {
                Some(part) => text.push_str(&part),
                None => {
                    let bare = bare.map(String::from).unwrap_or_default();
                    return unsupported(
                        Construct::Format,
                        format!("%{directive}{bare} of strftime_now"),
                    );
                }
            }
        }
        Ok(text)
    }

    fn part(self, directive: char) -> Option<String> {
        let month = MONTHS[usize::from(self.month) - 1];
        let weekday = WEEKDAYS[self.weekday()];
        let hour_of_12 = (self.hour + 11) % 12 + 1;
        Some(match directive {
            'Y' => format!("{:04}", self.year),
            'y' => format!("{:02}", self.year % 100),
            'm' => format!("{:02}", self.month),
            'd' => format!("{:02}", self.day),
            'e' => format!("{:>2}", self.day),
            'B' => month.to_owned(),
            'b' | 'h' => month[..3].to_owned(),
            'A' => weekday.to_owned(),
            'a' => weekday[..3].to_owned(),
            'j' => format!(
                "{:03}",
                days_before(self.year, self.month) + u32::from(self.day)
            ),
            'H' => format!("{:02}", self.hour),
            'I' => format!("{hour_of_12:02}"),
            'M' => format!("{:02}", self.minute),
            'S' => format!("{:02}", self.second),
            'p' => if self.hour < 12 { "AM" } else { "PM" }.to_owned(),
            'F' => format!("{:04}-{:02}-{:02}", self.year, self.month, self.day),
            'D' => format!("{:02}/{:02}/{:02}", self.month, self.day, self.year % 100),
            'R' => format!("{:02}:{:02}", self.hour, self.minute),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            'T' => format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second),
            '%' => "%".to_owned(),
            _ => return None,
        })
    }

    /// 0 for Sunday. 1970-01-01 was a Thursday.
    fn weekday(self) -> usize {
        let days: u32 = (1970..self.year).map(days_of_year).sum::<u32>()
            + days_before(self.year, self.month)
            + u32::from(self.day)
            - 1;
        ((days + 4) % 7) as usize
    }
}

fn is_leap(year: u16) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

fn days_of_year(year: u16) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

/// Days of `year` before the first of `month` (1 to 12).
fn days_before(year: u16, month: u8) -> u32 {
    DAYS_BEFORE[usize::from(month) - 1] + u32::from(2 < month && is_leap(year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_print_as_strftime_prints_them() {
        let time = CivilTime::from_unix_seconds(1_709_212_271); // Thu Feb 29 13:11:11 2024
        assert_eq!(
            time.format("%d %b %Y, %A %a %B").unwrap(),
            "29 Feb 2024, Thursday Thu February"
        );
        assert_eq!(
            time.format("%Y-%m-%d %H:%M:%S %I%p %j %y %%").unwrap(),
            "2024-02-29 13:11:11 01PM 060 24 %"
        );
        assert_eq!(
            CivilTime::UNLESS_SET.format("%d %B %Y %A").unwrap(),
            "26 July 2024 Friday"
        );
        assert_eq!(
            CivilTime::from_unix_seconds(0).format("%F %T %a").unwrap(),
            "1970-01-01 00:00:00 Thu"
        );
        assert_eq!(
            CivilTime::from_unix_seconds(1_798_761_599)
                .format("%F %T")
                .unwrap(),
            "2026-12-31 23:59:59"
        );
        assert_eq!(
            CivilTime::from_unix_seconds(u64::MAX).format("%F").unwrap(),
            "9999-12-31"
        );
    }

    #[test]
    fn a_hyphen_leaves_out_leading_zeros() {
        let time = CivilTime::from_unix_seconds(18_001); // 1970-01-01 05:00:01
        assert_eq!(
            time.format("%-d %-m %-H %-M %-S %-I %-j").unwrap(),
            "1 1 5 0 1 5 1"
        );
    }

    #[test]
    fn an_unknown_directive_is_an_error() {
        for directive in ["%Q", "%-A", "%", "%-", "%Z"] {
            assert!(
                CivilTime::UNLESS_SET.format(directive).is_err(),
                "{directive}"
            );
        }
    }
}
