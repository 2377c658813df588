"""Texts that golden files are made from: written for this purpose, or put together by the code below."""

PROMPTS = [
    "def fibonacci(n):",
    "The capital of France is",
    "import numpy as np\n\ndef softmax(x):\n",
    "Once upon a time, in a village by the sea,",
    "class Stack:\n    def __init__(self):\n",
    "Q: What is 17 + 25?\nA:",
    "To sort a list of words by their last letter in Python, write",
    "Water boils at 100 degrees",
    "for i in range(10):\n    print(",
    "The three primary colors are",
    "SELECT name, age FROM people WHERE",
    "def f(x: list[int]) -> int:\n    return sum(",
    "Dear Ms. Alvarez,\n\nThank you for your letter of 3 May.",
    "# reverse a string\ndef reverse(s):\n",
    "A prime number is a number that",
    "fn main() {\n    let numbers = vec![1, 2, 3];\n",
    "1, 1, 2, 3, 5, 8, 13,",
    "Il était une fois un petit",
    "If all birds can fly and a penguin is a bird, then",
    "assert f([3, 1, 2]) == [1, 2, 3]\nassert f([]) ==",
]

CHATS = [
    [{"role": "user", "content": "What does `sorted([3, 1, 2])[0]` give?"}],
    [
        {"role": "system", "content": "You answer in one word."},
        {"role": "user", "content": "Is 7 prime?"},
        {"role": "assistant", "content": "Yes"},
        {"role": "user", "content": "And 9?\n\nThink  about 3 * 3."},
    ],
    [{"role": "user", "content": "  Spaces, <|im_end|> inside, {{ braces }} and {% tags %} stay.  "}],
]

EDGES = [
    "",
    " ",
    "  ",
    "a",
    "\n",
    "\n\n\n",
    " \n \n",
    "\t\tx\t",
    "a  b   c    d",
    "trailing   ",
    "   leading",
    "a  12 345  6789",
    "x=1;y=-22;z=3.14159e-10",
    "0123456789 " * 3,
    "don't DON'T I'LL we've They'Re it'd 's",
    "line one\r\nline two\r\n\r\nend",
    "def f(x):\n    if x:\n        return [i**2 for i in range(x)]\n\treturn None\n",
    "café cafe\u0301 ÅA\u030a \u212b",
    "naïve façade Ærøskøbing straße İstanbul",
    "你好，世界！今天天气很好。",
    "こんにちは世界 안녕하세요",
    "مرحبا بالعالم שלום עולם",
    "สวัสดีชาวโลก नमस्ते दुनिया",
    "Здравствуй, мир! Γειά σου Κόσμε",
    "🙂👍🏽👨‍👩‍👧‍👦🇫🇷 ok",
    "½ ² ³ ⅷ ٣ ५ 〇 一二三",
    "\u200b\u200d\ufeff\u00a0\u3000x\u2028y",
    "\x00\x01\x7f\x1b[0m",
    "\ufffd \ue000 \U0001d400 \U0010ffff",
    "<|im_start|>user\nhi<|im_end|>\n<|endoftext|>",
    "<|im_start", "<|im_end|", "a<|im_end|>b", "<|im_start|><|im_start|>",
    "<tool_call>{\"a\": 1}</tool_call>",
    "!!!???...;;; --- *** ### @@@ $$$ %%% ^^^ &&& ((())) [[[]]] {{{}}}",
    "https://example.org/a/b?c=d&e=%20#f",
    "\"quoted\" 'single' `back` ``` fence",
    "snake_case camelCase SCREAMING_CASE kebab-case x1y2z3",
    "a" * 300,
    "=" * 100 + "\n" + "-" * 37,
    "\n    \n        \n    x",
    "The quick brown fox jumps over the lazy dog, doesn't it? Yes: 42% of the time.",
]


def code(lines: int) -> str:
    """A program with many small functions, no two alike."""
    verbs = ["add", "scale", "shift", "clip", "fold", "mask", "join", "split", "rank", "pack"]
    parts = ["import math\nfrom collections import Counter\n"]
    for i in range(lines):
        verb, a, b = verbs[i % 10], (i * 7) % 23 + 1, (i * 13) % 101
        parts.append(
            f"\n\ndef {verb}_{i}(values, limit={b}):\n"
            f'    """Return the values that {verb} to at most {a * b}."""\n'
            f"    total = {i}\n"
            f"    for index, value in enumerate(values):\n"
            f"        if value % {a} == {i % a} and index < limit:\n"
            f"            total += value * {b} - math.floor(index / {a + 1})\n"
            f"    return Counter({{'{verb}': total}}) if total > {a} else None"
        )
    return "".join(parts) + "\n"


PROSE = """The lighthouse at the end of the bay had been dark for eleven years when the letter arrived. It was addressed
to nobody in particular, only to "whoever keeps the light", and since nobody did, the postmistress read it aloud in the
bakery. A ship would pass on the fourteenth of March, the letter said, and its captain, who had been born in the village,
wanted to see the light once more before he sailed for good. There were objections. The lamp had no oil, the stairs had
lost every third step, and the key was thought to be in the pocket of a man who had moved to the capital. But the baker's
daughter, who was nine and counted everything, worked out that eighty candles on each of the four mirrors would be seen
from two miles away, and that the village owned three hundred and twelve. "That leaves eight short," said the teacher.
"Then eight of us will have to stand there and hold lanterns," she said, and so they did. On the night itself the wind
came from the north. The candles went out in rows and were lit again in rows; the lanterns swung; and far out, small as a
spark on a sleeve, something answered: three flashes, a pause, and three more. Nobody spoke until it had gone. Later, when
people told the story, the number of candles grew, and so did the ship, but the pause between the flashes stayed exactly
as long as it had been, because everybody remembered it."""
