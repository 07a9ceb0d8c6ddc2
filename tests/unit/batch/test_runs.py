"""Runs of `autovoice batch` over real recordings: what they make, what is made again, and what a killed run leaves."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from autovoice.audio.io import save_wav
from autovoice.batch.ledger import Outcome
from autovoice.cli import main, parse
from autovoice.commands.batch import plan
from autovoice.commands.batch_task import tasks_of, voice_of_reference, work
from autovoice.commands.console import Console
from autovoice.provenance import read_provenance
from tests.audio_files import RATE, speech

N = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cloned voice, and a table of two recordings and of one file that is none."""
    folder = tmp_path_factory.mktemp("batch")
    save_wav(folder / "carlo.wav", speech("carlo", 6.0), RATE)
    save_wav(folder / "in/a.wav", speech("allison", 1.0), RATE)
    save_wav(folder / "in/deep/b.flac", speech("allison", 1.5, 3.0), RATE)
    (folder / "in/bad.wav").write_text("no audio", encoding="utf-8")
    rows = "source,preset,pitch\nin/a.wav,,\nin/deep/b.flac,balanced,-3\nin/bad.wav,,\n"
    (folder / "jobs.csv").write_text(rows, encoding="utf-8")
    argv = ["clone", "carlo", str(folder / "carlo.wav"), "--consent", "by letter", "--voices", str(folder / "voices")]
    assert main(argv) == 0
    return folder


def arguments(folder: Path, jobs: str, out: str, *more: str) -> list[str]:
    voice = ["--voice", "carlo", "--voices", str(folder / "voices"), "--preset", "fast"]
    return ["batch", str(folder / jobs), *voice, "-o", str(folder / out), *more]


def here(argv: list[str]) -> list[Outcome]:
    """The outcomes of the batch, worked off in this process."""
    args = parse(argv)
    jobs = plan(args)
    reference = None if all(job.voice for job in jobs) else voice_of_reference(args, Console(args))
    return [work(task) for task in tasks_of(jobs, args, args.out.resolve(), 1, reference)]


def samples(path: Path) -> np.ndarray:
    return sf.read(path, dtype="int16")[0]


def test_results_are_those_of_convert_with_mark_and_provenance(folder: Path) -> None:
    a, b, bad = here(arguments(folder, "jobs.csv", "out"))
    assert [outcome.status for outcome in (a, b, bad)] == ["done", "done", "failed"]
    assert bad.error == f"{folder / 'in/bad.wav'}: is not audio that can be read; convert it to WAV or FLAC."
    assert (a.duration_s, a.rtf) == (pytest.approx(1.0), pytest.approx(a.seconds))
    common = ["--voice", "carlo", "--voices", str(folder / "voices")]
    single = ["convert", str(folder / "in/a.wav"), *common, "-o", str(folder / "a.wav"), "--preset", "fast"]
    assert main(single) == 0
    single = ["convert", str(folder / "in/deep/b.flac"), *common, "-o", str(folder / "b.wav"), "--pitch", "-3"]
    assert main(single) == 0
    for name in ("a.wav", "b.wav"):
        made, alone = folder / "out/in" / ("deep" if name == "b.wav" else "") / name, folder / name
        assert np.array_equal(samples(made), samples(alone))
        facts, known = (read_provenance(path)["sidecar"] for path in (made, alone))
        assert facts["watermark"]
        assert facts["unchanged"]
        assert {k: facts[k] for k in ("voice", "consent_id", "preset")} == {
            k: known[k] for k in ("voice", "consent_id", "preset")
        }


def test_only_what_changed_is_made_again(folder: Path) -> None:
    argv, copy = arguments(folder, "in", "again"), folder / "in/a.wav"
    before = copy.read_bytes()
    assert [o.status for o in here(argv)] == ["done", "failed", "done"]
    assert [o.status for o in here(argv)] == ["kept", "failed", "kept"]
    assert [o.status for o in here([*argv, "--pitch", "1"])] == ["done", "failed", "done"]
    assert [o.status for o in here([*argv, "--pitch", "1", "--no-watermark"])] == ["done", "failed", "done"]
    save_wav(copy, speech("allison", 1.0, 6.0), RATE)
    assert [o.status for o in here([*argv, "--pitch", "1", "--no-watermark"])] == ["done", "failed", "kept"]
    copy.write_bytes(before)
    (folder / "again/deep/b.wav").write_bytes(b"torn")
    assert [o.status for o in here([*argv, "--pitch", "1", "--no-watermark"])] == ["done", "failed", "done"]


def test_a_reference_is_cloned_once_and_known_again(folder: Path) -> None:
    argv = ["batch", str(folder / "in"), "--preset", "fast", "-o", str(folder / "by_reference")]
    argv += ["--reference", str(folder / "carlo.wav")]
    assert [o.status for o in here(argv)] == ["done", "failed", "done"]
    assert [o.status for o in here(argv)] == ["kept", "failed", "kept"]
    assert read_provenance(folder / "by_reference/a.wav")["sidecar"]["voice"] == "reference"


def test_a_text_is_spoken(folder: Path) -> None:
    pytest.importorskip("hibari", reason="needs hibari-tts: pip install -e .[speech]")
    (folder / "texts.csv").write_text("source,kind,text,out\n,speak,-1 degree.,cold.wav\n", encoding="utf-8")
    (said,) = here(arguments(folder, "texts.csv", "said"))
    assert said.error == ""
    assert said.duration_s == pytest.approx(sf.info(folder / "said/cold.wav").duration, abs=0.1)


def test_a_killed_run_continues_and_does_nothing_twice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i in range(N):
        save_wav(folder / f"many/{i}.wav", speech("allison", 2.0 + 6.0 * (i == 3), 1.0 * i), RATE)
    argv, done = arguments(folder, "many", "results", "--workers", "1"), folder / "results/.batch/done"
    with subprocess.Popen([sys.executable, "-m", "autovoice.cli", *argv], stdout=subprocess.DEVNULL) as process:
        while len(list(done.glob("[0-9].wav.json"))) < 3:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.kill()
    time.sleep(0.5)  # its worker ends with it
    finished = [folder / "results" / path.stem for path in done.glob("[0-9].wav.json")]
    before = {path: path.stat().st_mtime_ns for path in finished}
    assert 3 <= len(before) < N
    assert not (folder / "results/summary.json").exists()
    assert main([*argv, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["kept"], summary["done"], summary["failed"]) == (len(before), N - len(before), 0)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    names = sorted(path.name for path in (folder / "results").iterdir())
    assert names == sorted(
        [".batch", "summary.csv", "summary.json", *(f"{i}.wav{s}" for i in range(N) for s in ("", ".json"))]
    )
    with (folder / "results/summary.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [Path(row["out"]).name for row in rows] == [f"{i}.wav" for i in range(N)]
    assert all(float(row["rtf"]) == pytest.approx(float(row["seconds"]) / float(row["duration_s"])) for row in rows)
