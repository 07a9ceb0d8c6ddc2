"""What of a text can be spoken: cleaned of what has no sound, checked, and cut into paragraphs and sentences."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import sentencex

from autovoice.errors import DataError

MAX_SENTENCE = 300  # characters, about 20 s: what has no end is cut, so that the first audio does not wait for it
SENTENCE_S, PARAGRAPH_S, CUT_S = 0.35, 0.7, 0.1  # pauses after each, at speed 1
BORDERS = (r"(?<=[;:—])\s", r"(?<=,)\s", r"\s")  # where a long sentence is cut, the best first
SSML = re.compile(
    r"</?\s*(?:speak|break|prosody|emphasis|say-as|phoneme|sub|voice|audio|mark|lang|amazon:[\w-]+|mstts:[\w-]+)\b[^<>]*>",
    re.IGNORECASE,
)
LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")  # of Markdown: its text is spoken, not its address
MARKS = re.compile(r"[*`|\\]+|(?<!\w)_+|_+(?!\w)|^\s*#+\s|~~", re.MULTILINE)  # of Markdown
SPOKEN_SYMBOLS = set("°№§±×÷™®©")  # symbols (Unicode So, Sm) with a reading; of the others So are dropped: emoji
PARAGRAPH = re.compile(r"\n\s*\n|\n(?=[ \t]*(?:[-•–]|\d+[.)])[ \t])")  # an empty line, or a list's next item
BULLET = re.compile(r"^\s*[-•–]\s+")


@dataclass(frozen=True)
class Sentence:
    """text: cleaned, not yet normalised; pause_s: the silence after it at speed 1; share: of the whole text read after it."""

    text: str
    pause_s: float
    share: float


def clean(text: str) -> str:
    """Unicode NFC without control characters, emoji, half surrogates and the marks of Markdown; lines end with \\n.

    Wide and joined letters become plain ones, fractions n/m. The other tags <...> are text like any other.
    """
    if found := SSML.search(text):
        raise DataError(f"holds SSML ({found[0][:40]}), which is not read", "text", "give plain text")
    text = MARKS.sub(" ", LINK.sub(r"\1", text.replace("\r\n", "\n").replace("\r", "\n")))
    return unicodedata.normalize("NFC", "".join(map(_plain, text)))


@cache
def _plain(char: str) -> str:
    """What a character is spoken as; "" if it has no sound."""
    kind = unicodedata.category(char)
    if kind in ("Zs", "Zl", "Zp", "Cc"):
        return "\n" if char in "\n\u2028\u2029\f" else " "
    if kind[0] == "C" or (kind == "So" and char not in SPOKEN_SYMBOLS) or 0xFE00 <= ord(char) <= 0xFE0F:
        return ""
    if 0x1F3FB <= ord(char) <= 0x1F3FF or kind == "Me":  # skin tones, keycaps
        return ""
    shape = unicodedata.decomposition(char).split()[:1]
    if shape == ["<fraction>"]:
        return " " + unicodedata.normalize("NFKC", char).replace("\u2044", "/")
    plain = unicodedata.normalize("NFKC", char)
    return plain if shape in (["<wide>"], ["<narrow>"]) or (shape == ["<compat>"] and plain.isalpha()) else char


def check(text: str, language: str) -> None:
    """Raises DataError for a cleaned text without letters or digits, and for an English one in another script."""
    letters = [char for char in text if char.isalpha()]
    if not letters and not any(char.isdigit() for char in text):
        raise DataError("has no words", "text", "write what is to be spoken")
    if is_english(language) and 2 * sum(map(is_latin, letters)) < len(letters):
        raise DataError("is not written in Latin letters, as English is", "text", "name its language with --lang")


def left_out(text: str, language: str) -> str:
    """The letters of a cleaned text that its language cannot read, each once, a dozen at most; English reads Latin ones."""
    found = [char for char in dict.fromkeys(text) if char.isalpha() and not is_latin(char)]
    return "".join(found[:12]) if is_english(language) else ""


def is_english(language: str) -> bool:
    """en, en-us, en-gb, ..."""
    return language.split("-")[0] == "en"


@cache
def is_latin(char: str) -> bool:
    """Whether a letter is one of the Latin script, with or without accents."""
    return unicodedata.name(char, "").startswith("LATIN ")


def sentences(text: str, language: str) -> Iterator[Sentence]:
    """The sentences of a cleaned text, in order; language: as en or en-us. Line ends inside a paragraph are spaces."""
    total, start = max(1, len(text)), 0
    for border in [*PARAGRAPH.finditer(text), None]:
        paragraph = " ".join(BULLET.sub("", text[start : border.start() if border else None]).split())
        parts = [part for part in map(str.strip, sentencex.segment(language.split("-")[0], paragraph)) if part]
        at = start
        for i, part in enumerate(parts):
            at += len(part) + 1
            last, pieces = i == len(parts) - 1, list(cut(part))
            for piece in pieces[:-1]:
                yield Sentence(piece, CUT_S, min(1.0, at / total))
            yield Sentence(pieces[-1], PARAGRAPH_S if last else SENTENCE_S, min(1.0, at / total))
        start = border.end() if border else total


def cut(sentence: str, limit: int = MAX_SENTENCE) -> Iterator[str]:
    """Pieces of a sentence, `limit` characters at most each, cut at the last of the best borders there are."""
    while len(sentence) > limit:
        ends = ([found.end() for found in re.finditer(border, sentence[: limit + 1])] for border in BORDERS)
        end = next((found[-1] for found in ends if found and found[-1] > limit // 3), limit)
        yield sentence[:end].strip()
        sentence = sentence[end:].strip()
    if sentence:
        yield sentence
