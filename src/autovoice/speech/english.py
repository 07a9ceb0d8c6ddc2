"""English as it is spoken: numbers, dates, times, money, units, abbreviations and addresses spelt out.

Dates, times, units, titles and Roman numerals are read by hibari's normaliser (package hibari-tts, Apache-2.0); this module adds
addresses, money and abbreviations, and spells what digits remain, so that every front-end reads the same words. Dates with
strokes are month first.
"""

import re

from hibari.g2p.normalize import normalize
from hibari.g2p.numbers import ONES, cardinal, ordinal, year

from autovoice.speech.text import is_latin

ABBREVIATIONS = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "viz.": "namely", "a.k.a.": "also known as",
    "Mr": "Mister", "Mrs": "Missus", "Dr": "Doctor", "&": "and", "yr": "year", "yrs": "years",
}  # fmt: skip
COINS = {"$": ("dollar", "dollars", "cent", "cents"), "£": ("pound", "pounds", "penny", "pence"),
         "€": ("euro", "euros", "cent", "cents")}  # fmt: skip
YEARS_FOLLOW = (
    "in|since|of|by|until|till|from|to|year|before|after|around|about|early|late|spring|summer|autumn|fall|winter"
)
SCALES = r"\s?(?:hundred|thousand|[mbt]r?illion|[kKmMbB]\b)"
MAX_DIGITS = 15  # a longer number is read digit by digit, as a code is

WHOLE = r"\d{1,3}(?:,\d{3})+|\d+"
EMAIL = re.compile(r"([\w.+-]+)@((?:[\w-]+\.)+[A-Za-z]{2,})")
URL = re.compile(r"(?:https?://(?:www\.)?|www\.)([\w.:-]*\w)((?:/[\w.~-]*\w)*)/?(?:[?#]\S*[\w/])?")
SITE = re.compile(r"\b((?:[\w-]+\.)+(?:com|org|net|edu|gov|io|info))((?:/[\w.~-]*\w)*)/?", re.IGNORECASE)
MONEY = re.compile(rf"([$£€])\s?({WHOLE})(?:\.(\d+))?(?![.,]?\d|{SCALES})")
DECADE = re.compile(r"(?<!\w)(?:(1[1-9]|20)|['’])(\d0)['’]?s\b")
SHORT = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, ABBREVIATIONS))})(?!\w)")
YEAR = re.compile(rf"((?:\b(?:{YEARS_FOLLOW}) |\(|(?:st|nd|rd|th), ))(1[1-9]\d\d|20\d\d)(?![,.]?\d|%)", re.IGNORECASE)
ORDINAL = re.compile(rf"\b({WHOLE})(?:st|nd|rd|th)\b", re.IGNORECASE)
VERSION = re.compile(r"\bv?(\d+(?:\.\d+){2,}|(?<=v)\d+(?:\.\d+)*)\b")
DECIMAL = re.compile(rf"({WHOLE})?\.(\d+)")
CARDINAL = re.compile(WHOLE)
RANGE = re.compile(r"(?<=\d)\s?[-–]\s?(?=\d)")
MIXED = re.compile(r"\b(\d+) (?=\d{1,2}/\d{1,2}\b(?!/))")  # 2 1/2
FEET = re.compile(r"\b(\d+)['’′](\d{1,2})[\"”″]")
MINUS = re.compile(r"(?<![\w)])[-−](?=\.?\d)")
JOINED = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def spoken_english(sentence: str) -> str:
    """One cleaned English sentence -> the same in words, without digits and without letters of other scripts."""
    latin = "".join(char for char in sentence if not char.isalpha() or is_latin(char))
    text = EMAIL.sub(lambda m: f"{_dotted(m[1])} at {_dotted(m[2])}", latin)
    text = SITE.sub(_address, URL.sub(_address, text))
    text = DECADE.sub(_decade, MONEY.sub(_money, text))
    text = MIXED.sub(r"\1 and ", FEET.sub(r"\1 foot \2", text))
    text = SHORT.sub(_abbreviation, normalize(text))
    text = YEAR.sub(lambda m: m[1] + _plain(year(int(m[2]))), text)
    text = ORDINAL.sub(lambda m: _plain(ordinal(_whole(m[1]))), text)
    text = VERSION.sub(lambda m: " point ".join(_number(part) for part in m[1].split(".")), text)
    text = RANGE.sub(" to ", MINUS.sub("minus ", text)).replace("%", " percent")
    text = DECIMAL.sub(lambda m: f"{_number(m[1]) if m[1] else ' zero'} point {_digits(m[2])}", text)
    text = CARDINAL.sub(lambda m: _number(m[0]), JOINED.sub(" ", text))
    return " ".join(text.replace("_", " ").split())


def _plain(words: str) -> str:
    """Number words without the commas, which would be pauses."""
    return words.replace(",", "")


def _whole(digits: str) -> int:
    return int(digits.replace(",", ""))


def _digits(text: str) -> str:
    return " ".join(ONES[int(digit)] for digit in text)


def _number(digits: str) -> str:
    plain = digits.replace(",", "")
    coded = len(plain) > MAX_DIGITS or (len(plain) > 1 and plain.startswith("0"))
    return _digits(plain) if coded else _plain(cardinal(int(plain)))


def _dotted(name: str) -> str:
    return name.replace(".", " dot ").replace(":", " colon ")


def _address(found: re.Match[str]) -> str:
    return _dotted(found[1]) + _dotted(found[2]).replace("/", " slash ")


def _abbreviation(found: re.Match[str]) -> str:
    """The words; a full stop that also ended the sentence stays."""
    ends = found[1].endswith(".") and found.end() == len(found.string)
    return ABBREVIATIONS[found[1]] + ("." if ends else "")


def _money(found: re.Match[str]) -> str:
    """Two places after the point are coins, any others a decimal number."""
    one, many, coin, coins = COINS[found[1]]
    whole, places = _whole(found[2]), found[3]
    if places and len(places) != 2:
        return f"{whole}.{places} {many}"
    said = [f"{_number(found[2])} {one if whole == 1 else many}"] if whole or not int(places or 0) else []
    if int(places or 0):
        said.append(f"{_number(str(int(places)))} {coin if int(places) == 1 else coins}")
    return " and ".join(said)


def _decade(found: re.Match[str]) -> str:
    """1990s, '90s: the plural of the year, or of its last two digits."""
    words = _plain(year(int(found[1] + found[2]))) if found[1] else cardinal(int(found[2]))
    return words[:-1] + "ies" if words.endswith("y") else words + "s"
