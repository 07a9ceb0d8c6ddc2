"""Texts: what has no sound is gone, what cannot be spoken is refused, and sentences follow in order. Needs the extra speech."""

import pytest

pytest.importorskip("sentencex", reason="needs sentencex: pip install -e .[speech]")

from autovoice.errors import DataError
from autovoice.speech.text import MAX_SENTENCE, PARAGRAPH_S, SENTENCE_S, check, clean, cut, left_out, sentences


def split(text: str) -> list[str]:
    return [sentence.text for sentence in sentences(clean(text), "en")]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ok 👍🏽 🇩🇪 👩‍👩‍👧 1️⃣!", "ok    1!"),
        ("a\u200bb\x07c\u00add\ufeff\ud800", "ab cd"),
        ("cafe\u0301", "café"),
        ("ﬁne １２３ ½", "fine 123  1/2"),
        ("# Title\n**bold** `code` [text](http://x.org) snake_case", " Title\n bold   code  text snake_case"),
        ("<b>a</b> < b", "<b>a</b> < b"),
        ("20°C – “it’s” …", "20°C – “it’s” …"),
        ("one\r\ntwo\rthree\u2029", "one\ntwo\nthree\n"),
    ],
)
def test_what_has_no_sound_is_gone(text: str, left: str) -> None:
    assert clean(text) == left


@pytest.mark.parametrize("text", ["", " \n\t", "😀 👍", "...", "— !? —", "\x00\u200b"])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="has no words; write what is to be spoken"):
        check(clean(text), "en")


@pytest.mark.parametrize(
    "text", ["<speak>Hello</speak>", 'A <break time="1s"/> b', "<say-as interpret-as='date'>1</say-as>"]
)
def test_ssml_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(DataError, match=r"holds SSML .*, which is not read; give plain text"):
        clean(text)


def test_english_is_written_in_latin_letters() -> None:
    with pytest.raises(DataError, match="not written in Latin letters"):
        check("Привет, мир.", "en-us")
    check("Привет, мир.", "ru")
    check("He said Привет to Zoë and Łukasz.", "en")
    check("1234", "en")
    assert left_out("He said Привет to Zoë.", "en") == "Привет"
    assert left_out("Привет", "ru") == ""


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "Dr. Smith left at 5 p.m. on Jan. 5. He paid $3.50.",
            ["Dr. Smith left at 5 p.m. on Jan. 5.", "He paid $3.50."],
        ),
        ('"Really?" she asked. Mr. J. K. Rowling laughed!', ['"Really?" she asked.', "Mr. J. K. Rowling laughed!"]),
        ("See www.example.com. Version 2.0 is out.", ["See www.example.com.", "Version 2.0 is out."]),
        ("A line\nthat goes on.\n\nA title\n\nMore.", ["A line that goes on.", "A title", "More."]),
        ("Buy:\n- apples\n- two pears", ["Buy:", "apples", "two pears"]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, parts: list[str]) -> None:
    assert split(text) == parts


def test_pauses_are_longer_after_paragraphs_and_shares_grow_to_one() -> None:
    found = list(sentences("One. Two.\n\nThree.", "en"))
    assert [sentence.pause_s for sentence in found] == [SENTENCE_S, PARAGRAPH_S, PARAGRAPH_S]
    shares = [sentence.share for sentence in found]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("text", ["word " * 400, "a" * 2000, "one, two; three " * 100])
def test_a_sentence_without_end_is_cut_and_nothing_is_lost(text: str) -> None:
    pieces = list(cut(text.strip()))
    assert max(map(len, pieces)) <= MAX_SENTENCE
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_hundred_thousand_characters_are_split_and_none_is_lost() -> None:
    text = "The quick brown fox, aged 12, jumps over Mr. Dog. Does it?\nIt does!\n\n" * 1450
    found = split(text)
    assert len(text) > 100_000
    assert len(found) == 3 * 1450
    assert " ".join(found) == " ".join(text.split())
