"""Conversions of a protocol: made once, made again where an input changed, and tabled with paths that travel."""

import csv
from pathlib import Path

import pytest
from audio_files import RATE, speech

from autovoice.audio.io import save_wav
from autovoice.config import PresetConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.evaluation.clips import Clip, Cutter
from autovoice.evaluation.conversions import Job, Maker, convert_all, jobs_of
from autovoice.evaluation.pairs import read_pairs
from autovoice.evaluation.people import Person
from autovoice.evaluation.run import means_of
from autovoice.evaluation.trials import Trial

PRESETS = {"fast": compose().presets["fast"]}


@pytest.fixture(scope="module")
def converter():
    return VoiceConverter("cpu")


@pytest.fixture
def trials(tmp_path, converter) -> list[Trial]:
    """A conversion, and a copy of the target."""
    save_wav(tmp_path / "june.flac", speech("june", 14.0), RATE)
    save_wav(tmp_path / "carlo.flac", speech("carlo", 2.0), RATE)
    target = Cutter(tmp_path, converter.audio).target(Person("june", "F", "fr", [tmp_path / "june.flac"]), 10.0)
    assert target is not None
    assert target.ceiling is not None
    source = Clip(tmp_path / "carlo.flac", Person("carlo", "M", "it", []), [])
    own = Clip(target.ceiling, target.person, [])
    return [Trial(source, target, 10.0), Trial(own, target, 10.0, "copy")]


def made(trials, converter, out: Path, presets=PRESETS, seed=0):
    """Converts all; returns the time at which each file was written."""
    jobs = jobs_of(trials, "zero-shot", list(presets), out)
    convert_all(jobs, Maker(converter, presets, seed), out)
    return {job.trial.kind: job.out.stat().st_mtime_ns for job in jobs}


def test_what_is_there_is_left_and_what_changed_is_made_again(trials, converter, tmp_path):
    out = tmp_path / "out"
    first = made(trials, converter, out)
    table = (out / "pairs.csv").read_bytes()
    assert made(trials, converter, out) == first
    assert (out / "pairs.csv").read_bytes() == table
    [wav] = out.glob("wav/fast/june/conversion_*.wav")
    wav.write_bytes(wav.read_bytes()[:1000])
    broken = made(trials, converter, out)
    assert (broken["copy"], broken["conversion"] > first["conversion"]) == (first["copy"], True)
    other = made(trials, converter, out, {"fast": PresetConfig(reference_s=5.0, retrieval=0.0)})
    assert all(other[kind] > broken[kind] for kind in other)
    save_wav(trials[0].source.path, speech("carlo", 2.0, skip_s=1.0), RATE)
    assert made(trials, converter, out)["conversion"] > other["conversion"]


def test_files_of_earlier_jobs_are_removed(trials, converter, tmp_path):
    made(trials, converter, tmp_path / "out")
    made(trials[:1], converter, tmp_path / "out")
    assert [path.stem for path in sorted((tmp_path / "out").glob("wav/**/*.*"))] == ["conversion_carlo"] * 2


def test_the_table_is_what_evaluation_reads(trials, converter, tmp_path):
    made(trials, converter, tmp_path / "out")
    moved = tmp_path / "out" / "pairs.csv"
    assert not any("/work" in cell or cell.startswith("/") for row in csv.reader(moved.open()) for cell in row)
    conversion, copy = read_pairs(moved)
    assert (conversion.system, conversion.sex, conversion.kind) == ("zero-shot/fast", "cross", "conversion")
    assert (copy.system, copy.sex, copy.source) == ("copy/fast", "same", copy.ceiling_refs[0])
    assert conversion.rtf > 0


def test_several_lengths_are_several_systems(trials):
    longer = Trial(trials[0].source, trials[0].target, 30.0)
    jobs = jobs_of([trials[0], longer], "fewshot", ["fast", "balanced"], Path("out"))
    names = ["fewshot/fast@10s", "fewshot/fast@30s", "fewshot/balanced@10s", "fewshot/balanced@30s"]
    assert [job.system for job in jobs] == names
    assert len({job.out for job in jobs}) == 4


def test_means_have_names_that_trackers_take():
    summary = {"systems": {"fewshot/fast@10s": {"secs": {"mean": 0.5}, "cer": {"mean": None}}}}
    assert means_of(summary) == {"fewshot/fast at 10s/secs": 0.5}


def test_a_copy_keeps_its_pitch(trials):
    pitches = [Job(trial, "fast", "", Path()).pitch for trial in trials]
    assert pitches == ["auto", 0.0]
