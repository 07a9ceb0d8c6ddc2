"""English in words: what a reader would say for digits, signs and abbreviations. Needs the extra speech."""

import pytest

pytest.importorskip("hibari", reason="needs hibari-tts: pip install -e .[speech]")

from autovoice.speech.english import spoken_english


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("12,345 apples", "twelve thousand three hundred and forty-five apples"),
        ("-5 or +3 or 0.50 or .5", "minus five or plus three or zero point five zero or zero point five"),
        ("the 21st, 2nd and 103rd", "the twenty-first, second and one hundred and third"),
        ("10% and 12.5%", "ten percent and twelve point five percent"),
        ("agent 007 and 12345678901234567", "agent zero zero seven and one two three four five six seven eight nine "
         "zero one two three four five six seven"),
        ("½ of 2½", "one half of two and one half"),
        ("pages 3-5", "pages three to five"),
        ("v2.0 and 1.2.3", "two point zero and one point two point three"),
        ("R2D2", "R two D two"),
        ("3 × 4 = 12", "three times four equals twelve"),
    ],
)  # fmt: skip
def test_numbers(written: str, spoken: str) -> None:
    assert spoken_english(written.replace("½", " 1/2")) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("$3.50", "three dollars and fifty cents"),
        ("$1, $0.99 and £0.01", "one dollar, ninety-nine cents and one penny"),
        ("£1,200.20", "one thousand two hundred pounds and twenty pence"),
        ("$1.5 million or €3m", "one point five million dollars or three million euros"),
        ("$1.5", "one point five dollars"),
        ("¥100", "one hundred yen"),
    ],
)
def test_money(written: str, spoken: str) -> None:
    assert spoken_english(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("on 3/4/2021", "on March fourth, twenty twenty-one"),
        ("on 2024-02-29", "on February twenty-ninth, twenty twenty-four"),
        ("Jan. 5th, 1999", "January fifth, nineteen ninety-nine"),
        ("in 2005 and 1500 people", "in two thousand and five and one thousand five hundred people"),
        ("the 1990s and '80s", "the nineteen nineties and eighties"),
        ("at 7:30 pm", "at seven thirty P.M."),
        ("at 15:00 or 12:05", "at fifteen o'clock or twelve oh five"),
        ("Henry VIII, Chapter IV", "Henry the eighth, Chapter four"),
    ],
)
def test_dates_and_times(written: str, spoken: str) -> None:
    assert spoken_english(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Dr. Smith and Mrs. Jones", "Doctor Smith and Missus Jones"),
        ("St. Paul on Main St.", "Saint Paul on Main Street."),
        ("fruit, e.g. apples, etc.", "fruit, for example apples, et cetera."),
        ("20°C, 5km/h and 3.5 kg", "twenty degrees Celsius, five kilometers per hour and three point five kilograms"),
        ("see https://www.example.com/a/b?c=1.", "see example dot com slash a slash b."),
        ("ask me.you@x.org", "ask me dot you at x dot org"),
        ("No. 5, #12", "Number five, number twelve"),
        ("A plain sentence, unchanged.", "A plain sentence, unchanged."),
        ("Say Привет to Zoë, 你好.", "Say to Zoë,."),
    ],
)
def test_abbreviations_units_and_addresses(written: str, spoken: str) -> None:
    assert spoken_english(written) == spoken
