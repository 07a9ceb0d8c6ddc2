"""Prepare: what is found wrong with recordings, how they are cut, and how they are split."""

import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from autovoice.audio.io import load_wav
from autovoice.config import AudioConfig, DatasetConfig
from autovoice.data.manifest import Segment, read_manifest, write_manifest
from autovoice.data.prepare import prepare, speakers_to_adapt
from autovoice.data.segment import cut_points, segments_of, trim
from autovoice.data.sources import Recording, list_recordings
from autovoice.data.split import assign_splits
from autovoice.data.validate import check_file, find_duplicates, find_other_voices
from autovoice.errors import DataError

DEMO = Path(__file__).parents[3] / "data" / "raw" / "demo"
RATE = 16000


def demo_files(speaker: str) -> list[Path]:
    return sorted((DEMO / speaker).glob("*.flac"))


def recording(path: Path, speaker: str = "someone") -> Recording:
    return Recording(speaker, path, f"{speaker}/{path.name}")


def speech() -> np.ndarray:
    return load_wav(demo_files("june")[0], RATE)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda wav: wav[: RATE // 2], "shorter than 1 s"),
        (lambda wav: np.zeros(2 * RATE, np.float32), "silent"),
        (lambda wav: np.clip(wav * 60, -1, 1), "clipped"),
        (lambda wav: 0.5 * wav + 0.5 * np.random.default_rng(0).normal(0, 0.2, len(wav)), "very noisy"),
        (lambda wav: np.full(RATE * 2, np.nan), "NaN"),
    ],
)
def test_a_bad_recording_is_left_out_with_its_reason(tmp_path: Path, make, reason: str) -> None:
    sf.write(tmp_path / "a.wav", make(speech()), RATE, subtype="FLOAT")
    check = check_file(recording(tmp_path / "a.wav"))
    assert check.status == "left out"
    assert reason in check.reasons[0]


@pytest.mark.parametrize("content", [b"", b"not audio at all"])
def test_an_unreadable_file_is_left_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    assert check_file(recording(tmp_path / "a.wav")).status == "left out"


@pytest.mark.parametrize(
    ("rate", "offset", "reason"), [(RATE, 0.1, "DC offset"), (8000, 0.0, "sampl"), (11025, 0.0, "odd sample rate")]
)
def test_a_usable_recording_is_kept_with_a_warning(tmp_path: Path, rate: int, offset: float, reason: str) -> None:
    wav = load_wav(demo_files("june")[0], rate)
    sf.write(tmp_path / "a.wav", wav * 0.5 + offset, rate)
    check = check_file(recording(tmp_path / "a.wav"))
    assert check.status == "warning"
    assert any(reason in text for text in check.reasons)


def test_the_demo_is_clean() -> None:
    checks = [check_file(recording(path)) for speaker in ("june", "carlo") for path in demo_files(speaker)[:3]]
    assert [check.status for check in checks] == ["ok"] * 6


@pytest.mark.parametrize(("suffix", "gain"), [("flac", 1.0), ("mp3", 0.5), ("ogg", 1.5)])
def test_a_copy_is_found_also_re_encoded_louder_and_resampled(tmp_path: Path, suffix: str, gain: float) -> None:
    others = demo_files("june")[:4]
    sf.write(tmp_path / f"copy.{suffix}", load_wav(others[2], 22050) * gain, 22050)
    checks = [check_file(recording(path)) for path in [*others, tmp_path / f"copy.{suffix}"]]
    find_duplicates(checks)
    assert [check.status for check in checks[:4]] == ["ok"] * 4
    assert checks[4].reasons == [f"duplicate of someone/{others[2].name}"]


def test_another_persons_recording_is_found() -> None:
    checks = [check_file(recording(path, "nikolay")) for path in demo_files("nikolay")[:4]]
    checks.append(check_file(recording(demo_files("june")[0], "nikolay")))
    find_other_voices(checks)
    assert [check.status for check in checks] == ["ok"] * 4 + ["left out"]


def test_trimming_keeps_the_speech_and_drops_the_silence() -> None:
    wav = np.concatenate([np.zeros(RATE), speech(), np.zeros(RATE)]).astype(np.float32)
    trimmed, start = trim(wav, RATE, 40.0)
    assert 0.5 * RATE < start < 1.5 * RATE
    assert len(trimmed) < len(speech()) + 0.3 * RATE
    assert np.array_equal(trimmed, wav[start : start + len(trimmed)])


def test_long_recordings_are_cut_at_their_pauses() -> None:
    wav = np.concatenate([speech(), np.zeros(RATE // 2), speech(), np.zeros(RATE // 2), speech()]).astype(np.float32)
    max_s = 1.2 * len(speech()) / RATE
    pieces = segments_of(wav, RATE, 1.0, max_s, 40.0)
    assert len(pieces) >= 3
    assert all(RATE <= len(piece) <= max_s * RATE for _, piece in pieces)
    assert all(np.abs(wav[cut - 80 : cut + 80]).max() < 0.05 for cut in cut_points(wav, RATE, max_s))


def fake_segments(n: int, seconds: float = 3.0, speaker: str = "a") -> list[Segment]:
    return [
        Segment(f"{speaker}{i}", speaker, f"{speaker}/r{i}", f"{i}.flac", seconds, 0, "train", "", "en", "F", "x", "y")
        for i in range(n)
    ]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 30])
def test_splits_are_disjoint_by_recording_and_keep_most_for_training(n: int) -> None:
    split = assign_splits(fake_segments(n) + fake_segments(n, speaker="b"), 8.0, 15.0, 0)
    owners = defaultdict(set)
    for segment in split:
        owners[segment.recording].add(segment.split)
    assert all(len(splits) == 1 for splits in owners.values())
    for speaker in "ab":
        own = [s for s in split if s.speaker == speaker]
        assert sum(s.duration_s for s in own if s.split == "train") >= 0.5 * sum(s.duration_s for s in own)
    if n == 30:
        assert {s.split for s in split} == {"train", "dev", "eval"}


def test_splits_are_the_same_for_the_same_seed_only() -> None:
    segments = fake_segments(30)
    assert assign_splits(segments, 8, 15, 0) == assign_splits(segments, 8, 15, 0)
    assert assign_splits(segments, 8, 15, 0) != assign_splits(segments, 8, 15, 1)


def test_the_manifest_reads_back_what_was_written(tmp_path: Path) -> None:
    segments = [replace(s, text='quotes ", commas and ümläute') for s in fake_segments(2)]
    write_manifest(tmp_path / "manifest.csv", segments)
    assert read_manifest(tmp_path / "manifest.csv") == segments


@pytest.mark.parametrize(
    ("text", "message"), [("segment_id,speaker\na,b\n", "lacks the columns"), (None, "no such manifest")]
)
def test_a_broken_manifest_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_manifest(tmp_path / "manifest.csv")


def folder_of(tmp_path: Path, **speakers: int) -> DatasetConfig:
    for name, n in speakers.items():
        (tmp_path / "in" / name).mkdir(parents=True)
        for path in demo_files(name)[:n]:
            shutil.copy(path, tmp_path / "in" / name)
    return DatasetConfig(name="folder", path=str(tmp_path / "in"), min_speaker_s=5.0, dev_s=3.0, eval_s=3.0)


def test_prepare_writes_levelled_segments_a_report_and_a_choice(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path, june=4, carlo=4)
    (tmp_path / "in" / "june" / "broken.wav").write_text("no")
    checks, segments = prepare(dataset, AudioConfig(), 0, tmp_path / "out")
    assert [c.recording.path.name for c in checks if c.status == "left out"] == ["broken.wav"]
    assert {s.split for s in segments} == {"train", "dev", "eval"}
    assert all((tmp_path / "out" / s.path).is_file() for s in read_manifest(tmp_path / "out" / "manifest.csv"))
    report = (tmp_path / "out" / "report.html").read_text()
    assert "broken.wav" in report
    assert "http" not in report


def test_too_little_speech_names_the_speaker_and_still_reports(tmp_path: Path) -> None:
    dataset = replace(folder_of(tmp_path, june=4, carlo=1), min_speaker_s=20.0)
    with pytest.raises(DataError, match=r"carlo: only .* s of usable speech"):
        prepare(dataset, AudioConfig(), 0, tmp_path / "out")
    assert (tmp_path / "out" / "report.html").is_file()
    assert not (tmp_path / "out" / "manifest.csv").exists()


def test_two_speakers_with_one_name_are_refused(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path, june=1)
    shutil.copytree(tmp_path / "in" / "june", tmp_path / "in" / "June")
    with pytest.raises(DataError, match="two speakers with one name"):
        list_recordings(dataset)


@pytest.mark.parametrize("name", ["folder", "manifest", "librispeech"])
def test_a_missing_or_empty_dataset_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such path"):
        list_recordings(DatasetConfig(name=name, path=str(tmp_path / "nothing")))
    if name == "folder":
        with pytest.raises(DataError, match="holds no recordings"):
            list_recordings(DatasetConfig(name=name, path=str(tmp_path)))


def test_a_manifest_dataset_reads_paths_beside_it(tmp_path: Path) -> None:
    shutil.copy(demo_files("june")[0], tmp_path / "a.flac")
    (tmp_path / "list.csv").write_text("path,speaker,text,sex\na.flac,june,bonjour,F\n")
    found = list_recordings(DatasetConfig(name="manifest", path=str(tmp_path / "list.csv")))
    assert (found[0].speaker, found[0].text, found[0].sex) == ("june", "bonjour", "F")
    assert found[0].path.is_file()


def test_librispeech_libritts_and_vctk_are_read_through_torchaudio(tmp_path: Path) -> None:
    wav = demo_files("june")[0]
    libri = tmp_path / "LibriSpeech" / "dev-clean" / "84" / "121123"
    libri.mkdir(parents=True)
    shutil.copy(wav, libri / "84-121123-0000.flac")
    (libri / "84-121123.trans.txt").write_text("84-121123-0000 GO ON\n")
    found = list_recordings(DatasetConfig(name="librispeech", path=str(tmp_path), subset="dev-clean"))
    assert (found[0].speaker, found[0].text) == ("84", "GO ON")
    assert found[0].path.is_file()
    tts = tmp_path / "LibriTTS" / "dev-clean" / "84" / "121123"
    tts.mkdir(parents=True)
    sf.write(tts / "84_121123_000000_000000.wav", load_wav(wav, 24000), 24000)
    for kind in ("normalized", "original"):
        (tts / f"84_121123_000000_000000.{kind}.txt").write_text("Go on")
    found = list_recordings(DatasetConfig(name="libritts", path=str(tmp_path), subset="dev-clean"))
    assert (found[0].speaker, found[0].text) == ("84", "Go on")
    assert found[0].path.is_file()
    vctk = tmp_path / "VCTK-Corpus-0.92"
    (vctk / "wav48_silence_trimmed" / "p225").mkdir(parents=True)
    (vctk / "txt" / "p225").mkdir(parents=True)
    shutil.copy(wav, vctk / "wav48_silence_trimmed" / "p225" / "p225_001_mic2.flac")
    (vctk / "txt" / "p225" / "p225_001.txt").write_text("Please call Stella.")
    found = list_recordings(DatasetConfig(name="vctk", path=str(tmp_path)))
    assert (found[0].speaker, found[0].text) == ("p225", "Please call Stella.")
    assert found[0].path.is_file()


def test_without_a_choice_one_reader_of_each_sex_is_adapted() -> None:
    segments = (
        fake_segments(3) + fake_segments(5, speaker="b") + [replace(s, sex="M") for s in fake_segments(2, speaker="c")]
    )
    assert speakers_to_adapt(segments, DatasetConfig()) == ["b", "c"]
    with pytest.raises(DataError, match="nobody"):
        speakers_to_adapt(segments, DatasetConfig(adapt=["nobody"]))
