"""The table of pairs: what is read, and one clear sentence for what is wrong."""

import csv

import pytest

from autovoice.errors import DataError
from autovoice.evaluation.pairs import read_pairs


@pytest.fixture
def table(tmp_path):
    """Writes a table of the given rows beside three files that exist."""
    for name in ("s.wav", "r.wav", "c.wav", "ünï 声.wav"):
        (tmp_path / name).write_bytes(b"")

    def write(*rows, columns=None):
        path = tmp_path / "pairs.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns or list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


ROW = {"source": "s.wav", "target_refs": "r.wav", "converted": "c.wav"}


def test_paths_are_relative_to_the_table_and_the_rest_has_defaults(table, tmp_path):
    (pair,) = read_pairs(table(ROW))
    assert (pair.source, pair.target_refs, pair.converted) == (
        tmp_path / "s.wav",
        (tmp_path / "r.wav",),
        tmp_path / "c.wav",
    )
    assert (pair.system, pair.kind, pair.pitch_st, pair.rtf, pair.english) == ("system", "conversion", None, None, True)


def test_everything_is_read(table, tmp_path):
    more = {"system": "a/b", "lang": "en-GB", "pitch_st": "-3.5", "rtf": "0.1", "text": "ünï", "ceiling_refs": "s.wav"}
    row = ROW | more | {"target_refs": f"r.wav | {tmp_path / 'ünï 声.wav'}", "unknown": "ignored"}
    (pair,) = read_pairs(table(row))
    assert len(pair.target_refs) == 2
    assert (pair.system, pair.pitch_st, pair.rtf, pair.text, pair.english) == ("a/b", -3.5, 0.1, "ünï", True)


def test_other_languages_are_not_for_an_english_recogniser(table):
    assert not read_pairs(table(ROW | {"lang": "it"}))[0].english


def test_a_missing_converted_file_is_left_to_the_measurement(table):
    assert not read_pairs(table(ROW | {"converted": "gone.wav"}))[0].converted.exists()


def test_ten_thousand_rows(table):
    rows = [ROW | {"converted": f"{i}.wav"} for i in range(10_000)]
    assert len(read_pairs(table(*rows))) == 10_000


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (ROW | {"source": "gone.wav"}, ("line 2", "source", "gone.wav")),
        (ROW | {"target_refs": "r.wav|gone.wav"}, ("line 2", "target_refs", "gone.wav")),
        (ROW | {"target_refs": " | "}, ("line 2", "target_refs")),
        (ROW | {"source": ""}, ("line 2", "source", "empty")),
        (ROW | {"converted": " "}, ("line 2", "converted", "empty")),
        (ROW | {"pitch_st": "up"}, ("line 2", "pitch_st", "up")),
        (ROW | {"pitch_st": "nan"}, ("line 2", "pitch_st")),
        (ROW | {"rtf": "inf"}, ("line 2", "rtf")),
        (ROW | {"kind": "cover"}, ("line 2", "cover")),
        (ROW | {"kind": "copy", "source_speaker": "a", "target_speaker": "b"}, ("line 2", "copy", "PESQ")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_row_is_named(table, row, words):
    path = table(row)
    with pytest.raises(DataError) as caught:
        read_pairs(path)
    assert all(word in caught.value.sentence for word in (*words, str(path)))


def test_the_same_conversion_twice_is_named(table):
    with pytest.raises(DataError, match="lines 2 and 3"):
        read_pairs(table(ROW, ROW))


def test_two_systems_may_share_a_row(table):
    assert len(read_pairs(table(ROW | {"system": "a"}, ROW | {"system": "b"}))) == 2


def test_missing_columns_no_rows_and_no_table(table, tmp_path):
    with pytest.raises(DataError, match="target_refs, converted"):
        read_pairs(table({"source": "s.wav"}))
    with pytest.raises(DataError, match="no rows"):
        read_pairs(table(columns=list(ROW)))
    with pytest.raises(DataError, match="no such table"):
        read_pairs(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00broken", b'source,target_refs,converted\n"\x00'])
def test_what_is_no_table_is_refused(tmp_path, content):
    path = tmp_path / "pairs.csv"
    path.write_bytes(content)
    with pytest.raises(DataError):
        read_pairs(path)
