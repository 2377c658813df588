"""Byte-level BPE written out plainly, with another regular expression engine: a second opinion on tokenizers."""

import unicodedata

import regex

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")


def byte_letters() -> dict[int, str]:
    """The letter that stands for each byte in vocabularies of this kind."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {**{byte: chr(byte) for byte in plain}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


class ReferenceBpe:
    """`words` is "smollm" or "qwen2"."""

    def __init__(self, vocab: dict[str, int], merges: list[str], special: list[str], words: str):
        self.vocab, self.words = vocab, words
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
        longest_first = sorted(special, key=len, reverse=True)
        self.special = regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")
        self.specials, self.letters = set(special), byte_letters()

    def encode(self, text: str) -> list[int]:
        """Ids of a text; special tokens in it are recognized."""
        ids = []
        for part in self.special.split(text):
            if part in self.specials:
                ids.append(self.vocab[part])
            else:
                for word in self.split(part):
                    ids += self.merge([self.letters[byte] for byte in word.encode("utf-8", "surrogatepass")])
        return ids

    def split(self, text: str) -> list[str]:
        if self.words == "qwen2":
            return regex.findall(QWEN2, unicodedata.normalize("NFC", text))
        pieces = [piece for piece in regex.split(r"(\p{N})", text) if piece]
        return [word for piece in pieces for word in regex.findall(GPT2, piece)]

    def merge(self, letters: list[str]) -> list[int]:
        while 1 < len(letters):
            pairs = list(zip(letters, letters[1:]))
            best = min(pairs, key=lambda pair: self.ranks.get(pair, 1 << 60))
            if best not in self.ranks:
                break
            merged, i = [], 0
            while i < len(letters):
                both = i + 1 < len(letters) and (letters[i], letters[i + 1]) == best
                merged.append(letters[i] + letters[i + 1] if both else letters[i])
                i += 2 if both else 1
            letters = merged
        return [self.vocab[letter] for letter in letters]
