//! Lines of input that others write: each at most so long, and none without an end.

use std::io::{BufRead, ErrorKind, Read};

use crate::request::WrongRequest;

/// What editors of Windows put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A reader of lines.
pub struct Lines<R> {
    reader: R,
    line_bytes_max: usize,
    /// Lines read so far, with blank ones and those that were too long.
    number: usize,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// All of it; its end may be among its bytes.
    Whole(Vec<u8>),
    /// It was longer than a line may be, and was skipped.
    TooLong,
}

impl Line {
    /// Its size in memory, but for what every line takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::TooLong => 0,
        }
    }
}

/// What to say of a line that is too long.
pub fn too_long(line_bytes_max: usize) -> String {
    format!("the line is longer than {} MiB", line_bytes_max >> 20)
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most `line_bytes_max` bytes. One that is longer is skipped if it ends within as many bytes more.
    pub fn new(reader: R, line_bytes_max: usize) -> Self {
        Self {
            reader,
            line_bytes_max,
            number: 0,
        }
    }

    /// The number of the line that was read last, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The next line that is not blank, without a byte order mark at the beginning of the input; nothing at its end.
    ///
    /// # Errors
    /// A wrong request, when a line has no end within twice what it may have; else when reading fails.
    pub fn next(&mut self) -> anyhow::Result<Option<Line>> {
        loop {
            self.number += 1;
            let mut line = self.read_part(self.line_bytes_max + 1)?;
            if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
                line.drain(..BYTE_ORDER_MARK.len());
            }
            if line.is_empty() {
                return Ok(None);
            }
            if self.line_bytes_max < line.len() && line.last() != Some(&b'\n') {
                drop(line);
                self.skip()?;
                return Ok(Some(Line::TooLong));
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(Line::Whole(line)));
            }
        }
    }

    /// The rest of a line that is too long.
    fn skip(&mut self) -> anyhow::Result<()> {
        let rest = self.read_part(self.line_bytes_max)?;
        let has_ended = rest.last() == Some(&b'\n') || rest.len() < self.line_bytes_max;
        if has_ended {
            return Ok(());
        }
        Err(WrongRequest::new(format!(
            "line {} has no end within {} MiB; write one JSON object a line",
            self.number,
            (2 * self.line_bytes_max) >> 20
        )))
    }

    fn read_part(&mut self, bytes_max: usize) -> anyhow::Result<Vec<u8>> {
        let mut part = Vec::new();
        (&mut self.reader)
            .take(bytes_max as u64)
            .read_until(b'\n', &mut part)
            .map_err(|error| match error.kind() {
                ErrorKind::IsADirectory => {
                    WrongRequest::new("the input is a directory; give a file of lines")
                }
                _ => anyhow::Error::new(error).context("cannot read the input"),
            })?;
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::request::{WRONG, exit_code};

    fn whole(text: &str) -> Option<Line> {
        Some(Line::Whole(text.as_bytes().to_vec()))
    }

    #[test]
    fn lines_come_as_they_are_and_blank_ones_are_passed_over() {
        let mut lines = Lines::new("abcd\n\n \t\nxy".as_bytes(), 4);
        assert_eq!(lines.next().unwrap(), whole("abcd\n"));
        assert_eq!(lines.next().unwrap(), whole("xy"));
        assert_eq!(lines.number(), 4);
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        let mut lines = Lines::new("\u{feff}{}\n\u{feff}".as_bytes(), 8);
        assert_eq!(lines.next().unwrap(), whole("{}\n"));
        assert_eq!(lines.next().unwrap(), whole("\u{feff}"));
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn a_line_that_is_too_long_is_said_to_be_so_and_the_rest_goes_on() {
        let mut lines = Lines::new("abcde\nabcdefgh\nok\nabcde".as_bytes(), 4);
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong));
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong));
        assert_eq!(lines.next().unwrap(), whole("ok\n"));
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong));
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn a_line_without_an_end_ends_the_reading() {
        let mut lines = Lines::new(io::BufReader::new(io::repeat(0)), 1 << 20);
        let error = lines.next().unwrap_err();
        assert_eq!(exit_code(&error), WRONG);
        assert!(
            error
                .to_string()
                .starts_with("line 1 has no end within 2 MiB")
        );
    }
}
