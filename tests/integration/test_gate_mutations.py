"""The gate catches planted faults in the audio of our system and of another one, and lets through what is no fault.

Every test plants one fault in files and runs the two commands; `baselines` are the same conversions without it. A planted
fault must be caught by the few metrics that its test measures, the more so by all of them; what is no fault must stay green
under all, which is a slow test.
"""

import csv
import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import RATE, at_rate, speech
from faults import AUDIO_FAULTS, NO_FAULTS

from autovoice.audio.resample import resample
from autovoice.baselines import world_convert
from autovoice.cli import main
from autovoice.config import AudioConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.processes import worker_pool
from autovoice.voice import clone_voice

SYSTEMS = ("ours", "world")
SECONDS, N_SOURCES = 2.6, 7
TARGETS = ("carlo", "june")
OUT_RATE = AudioConfig().output_rate
FEW = "secs,campp,f0,duration,signal"
WORDS = f"{FEW},asr"
ALL = ""


@pytest.fixture(scope="module")
def workers():
    """One pool for all evaluations: its workers keep their models."""
    with worker_pool(2) as pool:
        yield pool


@pytest.fixture(scope="module", autouse=True)
def shared_pool(workers: ProcessPoolExecutor):
    @contextmanager
    def same(num_workers: int):
        yield workers

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autovoice.evaluation.workers.worker_pool", same)
        patch.setattr("autovoice.evaluation.anchors.worker_pool", same)
        yield


def _cuts(speaker: str, n: int) -> list[np.ndarray]:
    return [speech(speaker, SECONDS, 8 + i * SECONDS) for i in range(n)]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Sources and references, and 14 conversions of each system, all 16 bit at 16 kHz."""
    folder = tmp_path_factory.mktemp("recordings")
    sources = [("allison", wav) for wav in _cuts("allison", 5)] + [("narrator", wav) for wav in _cuts("narrator", 2)]
    converter, preset, rows = VoiceConverter("cpu"), compose().presets["fast"], []
    voices = {target: clone_voice(target, [at_rate(speech(target, 12.0), OUT_RATE)]) for target in TARGETS}
    for target in TARGETS:
        for i in range(3):
            sf.write(folder / f"{target}{i}.wav", speech(target, 4.0, 4.0 * i), RATE)
    for number, (speaker, wav) in enumerate(sources):
        sf.write(folder / f"source{number}.wav", wav, RATE)
        for target in TARGETS:
            made = {"world": world_convert(wav, [speech(target, 8.0)], RATE)}
            for name, seed in (("ours", 0), ("ours-again", 1)):
                made[name] = resample(converter.convert(wav, voices[target], preset, seed=seed), OUT_RATE, RATE)
            for name, result in made.items():
                sf.write(folder / f"{name}_{number}_{target}.wav", result, RATE)
            rows.append({"number": str(number), "source_speaker": speaker, "target_speaker": target})
    return folder, rows


def plant(recordings, system: str, out: Path, change=None, take=None) -> Path:
    """A table of the system's conversions below `out`; change: of samples; take: whose conversion becomes whose."""
    folder, rows = recordings
    (out / "wav").mkdir(parents=True)
    for file in [*folder.glob("source*.wav"), *(f for target in TARGETS for f in folder.glob(f"{target}*.wav"))]:
        shutil.copyfile(file, out / file.name)
    table = []
    for row in rows:
        number, target = row["number"], row["target_speaker"]
        name = f"{system}_{number}_{target}.wav"
        donor = take(row) if take else name
        wav, _ = sf.read(folder / donor.format(system=system))
        sf.write(out / "wav" / name, change(wav) if change else wav, RATE, "PCM_16")
        table.append(
            {
                "source": f"source{number}.wav",
                "target_refs": f"{target}0.wav|{target}1.wav",
                "ceiling_refs": f"{target}2.wav",
                "converted": f"wav/{name}",
                "system": f"{system.split('-')[0]}/plain",
                "lang": "en",
                "source_speaker": row["source_speaker"],
                "target_speaker": target,
            }
        )
    with (out / "pairs.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return out


@pytest.fixture(scope="module")
def baselines(recordings, tmp_path_factory):
    """(system, metrics) -> the baseline made of its conversions as they are."""

    @cache
    def baseline(system: str, metrics: str = FEW) -> Path:
        out = plant(recordings, system, tmp_path_factory.mktemp("good") / system)
        command = ["gate", str(evaluated(out, metrics)), "--baseline", str(out / "baseline.json")]
        assert main([*command, "--update", "good"]) == 0
        assert main(command) == 0
        return out / "baseline.json"

    return baseline


def evaluated(out: Path, metrics: str = FEW) -> Path:
    only = ["--metrics", metrics] if metrics else []
    assert main(["evaluate", str(out / "pairs.csv"), "-o", str(out / "metrics"), *only]) == 0
    return out / "metrics"


def faults(metrics: Path, baseline: Path, capsys) -> list[dict]:
    """What the gate command says; it must be red exactly if it says something."""
    capsys.readouterr()
    code = main(["gate", str(metrics), "--baseline", str(baseline), "--json"])
    found = json.loads(capsys.readouterr().out)["faults"]
    assert code == (1 if found else 0)
    return found


def assert_named(found: list[dict], metrics: set[str]) -> None:
    """One of the metrics is named, with items."""
    assert [f for f in found if f["metric"] in metrics and f["items"]], [(f["metric"], f["message"]) for f in found]


@pytest.mark.parametrize("fault", AUDIO_FAULTS)
def test_a_fault_in_the_audio_is_red_and_named(recordings, baselines, tmp_path, capsys, fault):
    system = SYSTEMS[list(AUDIO_FAULTS).index(fault) % 2]
    change, metrics = AUDIO_FAULTS[fault]
    out = plant(recordings, system, tmp_path / "run", change)
    measured = WORDS if "cer" in metrics else FEW
    assert_named(faults(evaluated(out, measured), baselines(system, measured), capsys), metrics)


def _later_sentence(row: dict[str, str]) -> str:
    return f"{{system}}_{(int(row['number']) + 3) % N_SOURCES}_{row['target_speaker']}.wav"


def _other_target(row: dict[str, str]) -> str:
    return f"{{system}}_{row['number']}_{TARGETS[row['target_speaker'] == TARGETS[0]]}.wav"


TAKEN = {
    "copy_through": (lambda row: f"source{row['number']}.wav", {"campp", "secs"}),
    "reference_returned": (lambda row: f"{row['target_speaker']}0.wav", {"cer", "f0_corr", "dur_ratio"}),
    "shuffled": (_later_sentence, {"cer", "f0_corr"}),
    "wrong_speaker": (_other_target, {"campp", "secs"}),
}


@pytest.mark.parametrize("fault", TAKEN)
def test_the_wrong_audio_is_red_and_named(recordings, baselines, tmp_path, capsys, fault):
    system = SYSTEMS[(list(TAKEN).index(fault) + 1) % 2]
    take, metrics = TAKEN[fault]
    out = plant(recordings, system, tmp_path / "run", take=take)
    measured = WORDS if "cer" in metrics else FEW
    assert_named(faults(evaluated(out, measured), baselines(system, measured), capsys), metrics)


under = pytest.mark.parametrize("measured", [WORDS, pytest.param(ALL, marks=pytest.mark.slow)], ids=["words", "all"])


@under
@pytest.mark.parametrize("change", NO_FAULTS)
def test_what_is_no_fault_is_green(recordings, baselines, tmp_path, capsys, change, measured):
    out = plant(recordings, "ours", tmp_path / "run", NO_FAULTS[change])
    assert faults(evaluated(out, measured), baselines("ours", measured), capsys) == []


def test_the_same_audio_in_another_container_is_green(recordings, baselines, tmp_path, capsys):
    out = plant(recordings, "world", tmp_path / "run")
    for file in (out / "wav").glob("*.wav"):
        wav, _ = sf.read(file)
        sf.write(file, wav, RATE, "PCM_16", format="FLAC")
    assert faults(evaluated(out), baselines("world"), capsys) == []


@under
def test_another_seed_is_green(recordings, baselines, tmp_path, capsys, measured):
    out = plant(recordings, "ours-again", tmp_path / "run")
    assert faults(evaluated(out, measured), baselines("ours", measured), capsys) == []


def test_a_missing_row_and_a_missing_file_are_red_and_named(recordings, baselines, tmp_path, capsys):
    out = plant(recordings, "ours", tmp_path / "run")
    (out / "wav" / "ours_3_june.wav").unlink()
    found = faults(evaluated(out), baselines("ours"), capsys)
    assert {item.split(" (")[0] for fault in found for item in fault["items"]} == {"source3 > june"}
    lines = (out / "pairs.csv").read_text().splitlines()
    (out / "pairs.csv").write_text("\n".join(line for line in lines if "ours_3_june" not in line) + "\n")
    (fault,) = faults(evaluated(out), baselines("ours"), capsys)
    assert (fault["kind"], fault["items"]) == ("data", ["source3 > june"])


def test_nan_in_the_audio_is_red_and_named(recordings, baselines, tmp_path, capsys):
    out = plant(recordings, "world", tmp_path / "run")
    wav, _ = sf.read(out / "wav" / "world_5_carlo.wav")
    wav[1000:1010] = np.nan
    sf.write(out / "wav" / "world_5_carlo.wav", wav, RATE, "FLOAT")
    found = faults(evaluated(out), baselines("world"), capsys)
    assert {item.split(" (")[0] for fault in found for item in fault["items"]} == {"source5 > carlo"}
    assert_named(found, {"secs"})


def test_nan_in_a_metric_is_red_and_named(recordings, baselines, tmp_path, capsys):
    metrics = evaluated(plant(recordings, "ours", tmp_path / "run"))
    with (metrics / "pairs.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows[4]["campp"] = "nan"
    with (metrics / "pairs.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert_named(faults(metrics, baselines("ours"), capsys), {"campp"})


def test_metrics_copied_from_the_baseline_are_red(recordings, baselines, tmp_path, capsys):
    change, _ = AUDIO_FAULTS["muffled"]
    metrics = evaluated(plant(recordings, "world", tmp_path / "run", change))
    good = baselines("world").parent / "metrics"
    with (metrics / "pairs.csv").open(encoding="utf-8") as own, (good / "pairs.csv").open(encoding="utf-8") as other:
        rows = [
            b | {"converted_sha": a["converted_sha"]} for a, b in zip(*map(csv.DictReader, (own, other)), strict=True)
        ]
    with (metrics / "pairs.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    shutil.copyfile(good / "summary.json", metrics / "summary.json")
    found = faults(metrics, baselines("world"), capsys)
    assert [(f["kind"], len(f["items"])) for f in found if f["kind"] == "copied"] == [("copied", 14)]
    shutil.copyfile(
        good / "pairs.csv", metrics / "pairs.csv"
    )  # with the hashes: now the files are not what was measured
    (fault,) = faults(metrics, baselines("world"), capsys)
    assert "not the one that was measured" in fault["message"]
    assert len(fault["items"]) == 14


def test_evaluation_people_in_training_are_refused_by_one_command_and_red_by_the_other(
    recordings, baselines, tmp_path, capsys
):
    out = plant(recordings, "ours", tmp_path / "run")
    (out / "people.csv").write_text("speaker,path\nsomebody,\nstranger,source2.wav\njune,\n")
    capsys.readouterr()
    command = ["evaluate", str(out / "pairs.csv"), "-o", str(out / "metrics"), "--metrics", FEW, "--training"]
    assert main([*command, str(out / "people.csv")]) == 2
    said = capsys.readouterr().err
    assert "recording source2.wav" in said
    assert "speaker june" in said
    assert not (out / "metrics").exists()
    (out / "people.csv").write_text("speaker,path\nsomebody,\n")
    assert main([*command, str(out / "people.csv")]) == 0
    assert faults(out / "metrics", baselines("ours"), capsys) == []
    with (out / "metrics" / "training.csv").open("a", encoding="utf-8") as stream:
        stream.write("june,,base\n")
    (fault,) = faults(out / "metrics", baselines("ours"), capsys)
    assert (fault["kind"], fault["items"]) == ("overlap", ["speaker june"])
