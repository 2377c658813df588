//! A text with named slots. A wrong slot is a build failure, and what is filled in is never read again.

/// A text whose slots `{name}` are exactly the given names. Braces around anything but a lower-case name are text.
pub(crate) struct Template<const N: usize> {
    text: &'static str,
    names: [&'static str; N],
}

impl<const N: usize> Template<N> {
    /// Checks `text` against `names`; meant for constants, where a failed check stops the build.
    ///
    /// # Panics
    /// When the text has a slot that is not among the names, or a name has no slot.
    pub(crate) const fn new(text: &'static str, names: [&'static str; N]) -> Self {
        let bytes = text.as_bytes();
        let mut used = [false; N];
        let mut at = 0;
        while at < bytes.len() {
            let end = slot_end(bytes, at);
            if 0 < end {
                let which = position(bytes, at + 1, end, &names);
                assert!(which < N, "the text has a slot that nothing fills");
                used[which] = true;
                at = end;
            }
            at += 1;
        }
        let mut name = 0;
        while name < N {
            assert!(used[name], "a name has no slot in the text");
            name += 1;
        }
        Self { text, names }
    }

    /// The text with `values` in its slots, in the order of the names; without the line end of the file.
    pub(crate) fn fill(&self, values: [&str; N]) -> String {
        let bytes = self.text.as_bytes();
        let room: usize = values.iter().map(|value| value.len()).sum();
        let mut filled = String::with_capacity(self.text.len() + room);
        let (mut at, mut copied) = (0, 0);
        while at < bytes.len() {
            let end = slot_end(bytes, at);
            if 0 < end {
                let which = position(bytes, at + 1, end, &self.names);
                filled.push_str(&self.text[copied..at]);
                filled.push_str(values[which]);
                copied = end + 1;
                at = end;
            }
            at += 1;
        }
        filled.push_str(
            self.text[copied..]
                .strip_suffix('\n')
                .unwrap_or(&self.text[copied..]),
        );
        filled
    }
}

/// The index of the `}` of the slot that starts at `at`, or 0 when none starts there.
const fn slot_end(bytes: &[u8], at: usize) -> usize {
    if bytes[at] != b'{' {
        return 0;
    }
    let mut end = at + 1;
    while end < bytes.len() && (bytes[end].is_ascii_lowercase() || bytes[end] == b'_') {
        end += 1;
    }
    if at + 1 < end && end < bytes.len() && bytes[end] == b'}' {
        end
    } else {
        0
    }
}

/// Which name equals `bytes[start..end]`; `N` when none does.
const fn position<const N: usize>(
    bytes: &[u8],
    start: usize,
    end: usize,
    names: &[&'static str; N],
) -> usize {
    let mut which = 0;
    while which < N {
        let name = names[which].as_bytes();
        let mut same = 0;
        if name.len() == end - start {
            while same < name.len() && name[same] == bytes[start + same] {
                same += 1;
            }
            if same == name.len() {
                return which;
            }
        }
        which += 1;
    }
    N
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_and_other_braces_are_text() {
        const GREETING: Template<2> = Template::new("{a}: {'x': 1} {} { b } {b}{a}\n", ["a", "b"]);
        assert_eq!(GREETING.fill(["1", "2"]), "1: {'x': 1} {} { b } 21");
    }

    #[test]
    fn what_is_filled_in_is_never_read_again() {
        const PAIR: Template<2> = Template::new("{program}|{input}", ["program", "input"]);
        assert_eq!(
            PAIR.fill(["{input}{program}", "{program}"]),
            "{input}{program}|{program}"
        );
    }

    #[test]
    #[should_panic(expected = "a slot that nothing fills")]
    fn an_unknown_slot_is_refused() {
        Template::new("{program} {inptu}", ["program"]);
    }

    #[test]
    #[should_panic(expected = "no slot in the text")]
    fn a_missing_slot_is_refused() {
        Template::new("{program}", ["program", "input"]);
    }
}
