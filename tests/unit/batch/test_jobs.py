"""What a table or a folder becomes, and what is refused before anything is converted."""

from pathlib import Path

import pytest

from autovoice.batch.jobs import Job
from autovoice.cli import main, parse
from autovoice.commands.batch import plan
from autovoice.errors import DataError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Names of recordings and of two voices; plan opens none."""
    for name in ("a.wav", "talks/b.mp3", "talks/ünï çødé.ogg", "voices/ada/voice.json", "voices/eve/voice.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(*argv: str) -> list[Job]:
    return plan(parse(["batch", *argv, "-o", "out"]))


def table(text: str) -> str:
    Path("jobs.csv").write_text(text, encoding="utf-8")
    return "jobs.csv"


def test_a_row_overrides_the_options(folder: Path) -> None:
    rows = "a.wav,,,,,,", "talks/b.mp3,x/y.flac,sing,eve,fast,-12,", ",say.mp3,speak,,,,Hello"
    text = "\n".join(["source,out,kind,voice,preset,pitch,text", *rows])
    plain, sung, spoken = planned(table(text), "--voice", "ada", "--preset", "quality", "--pitch", "2")
    assert plain == Job(2, folder / "a.wav", folder / "out/a.wav", "convert", "ada", "quality", "2.0")
    assert sung == Job(3, folder / "talks/b.mp3", folder / "out/x/y.flac", "sing", "eve", "fast", "-12")
    assert (spoken.source, spoken.out, spoken.text) == (None, folder / "out/say.mp3", "Hello")


def test_paths_are_relative_to_the_table_and_its_tree_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "voices")
    (folder / "talks" / "jobs.csv").write_text(
        f"source\nb.mp3\n../a.wav\n{folder}/talks/ünï çødé.ogg\n", encoding="utf-8-sig"
    )
    jobs = planned("../talks/jobs.csv", "--reference", "r.wav")
    assert [job.out.relative_to(folder / "voices/out").as_posix() for job in jobs] == ["b.wav", "a.wav", "ünï çødé.wav"]
    assert all(job.source and job.source.is_file() for job in jobs)
    assert {job.voice for job in jobs} == {""}


def test_a_folder_keeps_its_tree_and_leaves_its_results_out(folder: Path) -> None:
    (folder / "talks/out/deep").mkdir(parents=True)
    (folder / "talks/out/deep/b.wav").touch()
    jobs = plan(parse(["batch", "talks", "--voice", "ada", "-o", "talks/out"]))
    assert {job.out.relative_to(folder / "talks/out").as_posix() for job in jobs} == {"b.wav", "ünï çødé.wav"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks source"),
        ("source\n", "has no rows"),
        ("sauce\na.wav\n", "unknown columns 'sauce'"),
        ("source;out\na.wav;b.wav\n", "unknown columns 'source;out'"),
        ("source,source\na.wav,a.wav\n", "repeats a column"),
        ("source\na.wav\na.wav,b\n", "line 3: has more cells"),
        ('source\n"a.wav\n', "is not a CSV"),
        ("source\na.wav\nb.wav\n", "line 3: source"),
        ("source,preset\na.wav,best\n", "line 2: preset 'best' is none of fast, balanced, quality"),
        ("source,pitch\na.wav,high\n", "line 2: 'high' is neither auto nor a number"),
        ("source,pitch\na.wav,99\n", "line 2: 99 semitones is out of range"),
        ("source,voice\na.wav,eva\n", "line 2: voices/eva: no such voice; known: ada, eve"),
        ("source,voice\na.wav,../ada\n", "line 2: '../ada': is not a usable voice name"),
        ('source,voice\na.wav,"ada:0.5,eva:0.5"\n', "line 2: voices/eva: no such voice"),
        ("source,kind\na.wav,hum\n", "line 2: kind 'hum' is none of convert, sing, speak"),
        ("source,out\na.wav,../b.wav\n", "line 2: out '../b.wav' does not stay"),
        ("source,out\na.wav,/tmp/b.wav\n", "line 2: out '/tmp/b.wav' does not stay"),
        ("source,out\na.wav,.batch/b.wav\n", "line 2: out '.batch/b.wav' does not stay"),
        ("source,out\na.wav,link/b.wav\n", "line 2: out 'link/b.wav' does not stay"),
        ("source,out\na.wav,b.mp3\n", "line 2: out 'b.mp3' is not a format"),
        ("source,out\na.wav,b\n", "line 2: out 'b' is not a format"),
        ("source,out\na.wav,b.wav\ntalks/b.mp3,b.wav\n", "line 3: "),
        ("source,text\na.wav,Hello\n", "line 2: text is for the kind speak"),
        ("source,kind,text\n,speak,Hello\n", "line 2: out is empty"),
        ("source,out\n,b.wav\n", "line 2: source is empty"),
    ],
)  # fmt: skip
def test_a_bad_table_is_one_sentence_and_nothing_is_made(
    text: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "out").mkdir()
    (folder / "out/link").symlink_to(folder / "talks")
    assert main(["batch", table(text), "--voice", "ada", "-o", "out"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "jobs.csv" in error
    assert error.count("\n") == 1
    assert [path.name for path in (folder / "out").iterdir()] == ["link"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["talks", "-o", "out"], "no voice is named"),
        (["jobs.csv", "-o", "out"], "line 2: no voice is named"),
        (["talks", "--voice", "ada", "-o", "talks"], "is the folder of the recordings too"),
        (["talks", "--voice", "ada", "-o", "a.wav"], "is a file"),
        (["voices", "--voice", "ada", "-o", "out"], "holds no audio files"),
        (["none.csv", "--voice", "ada", "-o", "out"], "no such table or folder"),
        ([".", "--voice", "ada", "-o", "out"], "would both become"),
        (["jobs.csv", "--voice", "ada", "-o", "."], "is a source and would be overwritten"),
        (["talks", "--reference", "none.wav", "-o", "out"], "none.wav: no such file"),
    ],
)
def test_what_does_not_fit_is_one_sentence_and_nothing_is_made(
    argv: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.mp3").touch()
    table("source\na.wav\n")
    before = sorted(folder.rglob("*"))
    assert main(["batch", *argv]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_a_row_with_its_own_voice_needs_no_option() -> None:
    assert planned(table("source,voice\na.wav,eve\n"))[0].voice == "eve"
    with pytest.raises(DataError, match="line 3: no voice"):
        planned(table("source,voice\na.wav,eve\ntalks/b.mp3,\n"))


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "many", "1000"])
def test_workers_are_counted(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(["batch", "talks", "--voice", "ada", "-o", "out", "--workers", number])
    assert "is not a whole number from 1 to 999" in capsys.readouterr().err
