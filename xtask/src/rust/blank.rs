//! Blanks comments and the insides of literals, so that words in them are never taken for code.

/// The text with every comment, and the inside of every string and character, replaced by blanks. Line breaks and
/// length stay.
pub fn blank(text: &str) -> String {
    let mut blanker = Blanker {
        bytes: text.as_bytes(),
        out: text.as_bytes().to_vec(),
        at: 0,
    };
    while blanker.at < blanker.bytes.len() {
        blanker.step();
    }
    // Only whole characters are replaced, each byte by a blank, so this is UTF-8 as before.
    String::from_utf8_lossy(&blanker.out).into_owned()
}

struct Blanker<'a> {
    bytes: &'a [u8],
    out: Vec<u8>,
    at: usize,
}

impl Blanker<'_> {
    fn step(&mut self) {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"//") {
            self.blank_until(|rest| rest.starts_with(b"\n"));
        } else if rest.starts_with(b"/*") {
            self.block_comment();
        } else if let Some(hashes) = self.raw_string() {
            self.at += hashes + 2;
            let closing: Vec<u8> = std::iter::once(b'"')
                .chain(std::iter::repeat_n(b'#', hashes))
                .collect();
            self.blank_until(|rest| rest.starts_with(&closing));
            self.at += closing.len();
        } else if rest.starts_with(b"\"") {
            self.quoted(b'"');
        } else if rest.starts_with(b"'") && self.is_character() {
            self.quoted(b'\'');
        } else {
            self.at += 1;
        }
    }

    /// Number of `#` if a raw string begins here.
    fn raw_string(&self) -> Option<usize> {
        let rest = self.bytes[self.at..].strip_prefix(b"r")?;
        let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
        let inside_word = self.at.checked_sub(1).is_some_and(|it| {
            let byte = self.bytes[it];
            crate::rust::is_word(byte) && byte != b'b' && byte != b'c'
        });
        (!inside_word && rest.get(hashes) == Some(&b'"')).then_some(hashes)
    }

    /// A quote begins a character unless it begins a lifetime.
    fn is_character(&self) -> bool {
        let rest = &self.bytes[self.at + 1..];
        let Some(first) = rest.first() else {
            return false;
        };
        let width = match first {
            b'\\' => return true,
            0..=0x7f => 1,
            0x80..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
        };
        rest.get(width) == Some(&b'\'')
    }

    fn quoted(&mut self, quote: u8) {
        self.at += 1;
        while self.at < self.bytes.len() && self.bytes[self.at] != quote {
            if self.bytes[self.at] == b'\\' {
                self.hide();
            }
            self.hide();
        }
        self.at += 1;
    }

    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            let (opens, closes) = (rest.starts_with(b"/*"), rest.starts_with(b"*/"));
            self.hide();
            if opens || closes {
                self.hide();
            }
            depth = if opens {
                depth + 1
            } else {
                depth - usize::from(closes)
            };
            if depth == 0 {
                return;
            }
        }
    }

    fn blank_until(&mut self, stop: impl Fn(&[u8]) -> bool) {
        while self.at < self.bytes.len() && !stop(&self.bytes[self.at..]) {
            self.hide();
        }
    }

    fn hide(&mut self) {
        if let Some(byte) = self.out.get_mut(self.at)
            && *byte != b'\n'
        {
            *byte = b' ';
        }
        self.at += 1;
    }
}
