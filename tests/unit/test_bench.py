"""The benchmark: which jobs it plans, that its numbers are of what they are said to be of, and one run of the program."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
from safetensors.torch import save_file

from autovoice.bench.__main__ import main
from autovoice.bench.jobs import Job, plan
from autovoice.bench.measures import BATCH_RECORDINGS, batch, difference_db, speed, tiled
from autovoice.bench.memory import gpu_memory_mb, gpu_utilisation, peak_memory_mb
from autovoice.bench.report import plot, show
from autovoice.bench.stream import WARM_UP_BLOCKS, measure_stream, why_no_stream
from autovoice.bench.systems import Preset, demo_recordings, system_of
from autovoice.config import ContentConfig, compose
from autovoice.errors import AutovoiceError
from autovoice.live import LiveConverter
from autovoice.models.content import load_student
from autovoice.models.student import StudentEncoder
from autovoice.models.torch_networks import TorchNetworks
from tests.audio_files import RATE, speech
from tests.tiny_networks import SIZES, random_voice, tiny_networks, write_generator

JOB = Job("speed", "balanced", "cpu", 1, 1.0)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two speakers with a recording each."""
    folder = tmp_path_factory.mktemp("recordings")
    for name, seconds in (("allison", 2.5), ("nikolay", 8.0)):
        (folder / name).mkdir()
        sf.write(folder / name / "a.wav", speech(name, seconds), RATE)
    return folder


@pytest.fixture(scope="module")
def balanced(recordings: Path) -> Preset:
    system = system_of("balanced", demo_recordings(recordings)[1])
    assert isinstance(system, Preset)
    return system


@pytest.fixture(scope="module")
def rows(balanced: Preset) -> list[dict]:
    """What measure() makes of two jobs, and rows as a GPU would give them."""
    wav = speech("allison", 2.5)
    side_by_side = replace(JOB, kind="batch", length_s=0.5, at_once=2)
    cpu = [vars(JOB) | speed(JOB, balanced, wav), vars(side_by_side) | batch(side_by_side, balanced, wav)]
    return [*cpu, cpu[0] | {"device": "cuda", "gpu_memory_mb": 512.0, "difference_db": -71.4}]


def test_presets_are_measured_on_every_device_and_baselines_on_the_cpu() -> None:
    jobs = plan(["fast", "world"], [1, 2], ["cpu", "cuda:1"], 60.0, [1.0, 3600.0], [1, 8])
    assert len(jobs) == len(set(jobs)) == 5 + 4 + 4
    assert {(job.system, job.device) for job in jobs} == {("fast", "cpu"), ("fast", "cuda:1"), ("world", "cpu")}
    assert {job.threads for job in jobs if job.kind == "speed" and job.device == "cpu"} == {1, 2}
    assert {job.length_s for job in jobs if job.kind == "length"} == {1.0, 3600.0}
    assert {(job.threads, job.at_once) for job in jobs if job.kind == "batch"} == {(1, 1), (1, 8)}


def test_one_speaker_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    with pytest.raises(AutovoiceError, match="needs two speakers"):
        demo_recordings(tmp_path)


def test_what_is_measured_is_the_conversion_and_its_parameters(balanced: Preset, rows: list[dict]) -> None:
    networks = balanced.converter.networks
    assert isinstance(networks, TorchNetworks)
    weights = [*networks.encoder.parameters(), *networks.generator().parameters()]
    assert rows[0]["parameters"] == sum(p.numel() for p in weights)
    assert 0 < rows[0]["latency_p50_ms"] <= rows[0]["latency_p95_ms"]
    assert rows[0]["rtf"] > 0
    assert rows[0]["gpu_memory_mb"] is None
    assert "difference_db" not in rows[0]
    assert rows[1]["audio_s_per_s"] > 0
    assert rows[1]["gpu_utilisation_percent"] is None


def test_side_by_side_the_samples_are_those_of_one_at_a_time(balanced: Preset) -> None:
    converted: list[tuple[np.ndarray, np.ndarray]] = []

    class Kept(Preset):
        def convert(self, wav: np.ndarray) -> np.ndarray:
            converted.append((wav, super().convert(wav)))
            return converted[-1][1]

    batch(replace(JOB, kind="batch", length_s=0.5, at_once=3), Kept(**vars(balanced)), speech("allison", 9.0))
    assert len(converted) == BATCH_RECORDINGS
    assert len({wav.tobytes() for wav, _ in converted}) == BATCH_RECORDINGS
    assert all(np.array_equal(made, balanced.convert(wav)) for wav, made in converted[:4])


def test_peak_memory_grows_by_what_is_held() -> None:
    before = peak_memory_mb()
    held = np.ones(int(before) << 17)  # as many MiB again, 8 bytes a number
    assert 1.1 * before < peak_memory_mb() < before + held.nbytes / 2**20 + 50
    assert gpu_memory_mb("cpu") is None


def test_the_cpu_has_no_gpu_to_be_busy() -> None:
    with gpu_utilisation("cpu") as samples:
        pass
    assert samples == []


def test_a_tenth_of_the_amplitude_is_20_db_down_and_the_same_samples_have_a_floor() -> None:
    wav = speech("june", 1.0)
    assert difference_db(1.1 * wav, wav) == pytest.approx(-20.0, abs=0.01)
    assert difference_db(wav, wav) == -200.0


def test_a_recording_is_repeated_to_any_length() -> None:
    assert np.array_equal(tiled(np.arange(3.0), 7 / RATE), [0, 1, 2, 0, 1, 2, 0])


def test_a_stream_is_as_late_as_its_converter_says(tmp_path: Path) -> None:
    networks, voice = tiny_networks(tmp_path), random_voice()
    row = measure_stream(networks, voice, speech("allison", 0.02 * (WARM_UP_BLOCKS + 10)), compose().presets["fast"])
    assert row["delay_ms"] == LiveConverter(networks, voice).delay_s * 1000
    assert 0 < row["block_p50_ms"] <= row["block_p95_ms"]
    assert row["rtf"] > 0


def test_a_student_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    student = StudentEncoder(dim=24, n_blocks=2).eval()
    save_file(student.state_dict(), tmp_path / "student")
    monkeypatch.setattr("autovoice.models.content.CONTENT_STUDENT", tmp_path / "student")
    wav = torch.from_numpy(speech("allison", 0.5))[None]
    assert torch.equal(load_student(ContentConfig())(wav), student(wav))


def test_weights_that_cannot_stream_say_what_they_lack(tmp_path: Path) -> None:
    student = tmp_path / "student"
    student.touch()
    causal, other = (
        write_generator(tmp_path / n, sizes=replace(SIZES, causal=n == "causal")) for n in ("causal", "not")
    )
    assert why_no_stream(causal, student) == ""
    assert why_no_stream(other, student) == "not is not causal"
    student.unlink()
    assert why_no_stream(causal, student) == "no student ships beside causal"


def test_the_report_has_a_table_a_measurement_and_no_empty_columns(
    rows: list[dict], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show(rows[:2])
    cpu = capsys.readouterr().out
    show(rows)
    both = capsys.readouterr().out
    assert "latency p50 ms" in cpu
    assert "at once" in cpu
    assert "Against length" not in cpu
    assert "GPU" not in cpu
    assert "-71" in both
    plot(rows, tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_the_program_writes_its_rows_and_where_they_come_from(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--systems", "griffin-lim", "--threads", "1", "--rtf-length", "1", "--lengths", "--batches"]
    out = tmp_path / "bench.json"
    assert main([*argv, "--recordings", str(recordings), "--device", "cpu", "--out", str(out)]) == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    row = written["rows"][0]
    assert (row["system"], row["threads"], row["parameters"]) == ("griffin-lim", 1, 0)
    assert written["provenance"]["hardware"]["cpu"]
    assert (tmp_path / "bench.png").is_file()
    assert "griffin-lim" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--device", "toaster"], "no such device"),
        (["--threads", "0"], "not a whole number above 0"),
        (["--lengths", "nan"], "not a number above 0"),
        (["--recordings", "nowhere"], "needs two speakers"),
    ],
)
def test_bad_use_is_exit_2_and_one_sentence(
    more: list[str], said: str, recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["--recordings", str(recordings), *more])
    except SystemExit as stop:
        code = stop.code  # type: ignore[assignment]
    assert code == 2
    assert said in capsys.readouterr().err
