"""SwiftF0 in torch against SwiftF0 in onnxruntime, on real speech: the same pitch, confidence and shift but for rounding."""

import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from autovoice.analysis import analyse
from autovoice.audio.f0 import VOICED_CONFIDENCE, Tracker, detect, extract_f0
from autovoice.audio.windows import array_blocks
from autovoice.config import AudioConfig
from autovoice.errors import AssetError
from autovoice.models.pitch import GRAPH, TorchTracker, load_pitch_network
from autovoice.models.torch_networks import TorchNetworks
from tests.audio_files import RATE, ROOT, speech
from tests.tiny_networks import AUDIO, CONTENT, random_voice, tiny_networks, write_generator

RANGE_HZ = (50.0, 1100.0)
CONFIDENCE, CENTS = 1e-4, 0.05  # on 145 recordings: 2e-4 at most, in 99.9 % of frames under 4e-5; 0.008
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture(scope="module")
def track() -> TorchTracker:
    return TorchTracker(torch.device("cpu"))


def assert_alike(track: Tracker, wav: np.ndarray, range_hz: tuple[float, float] = RANGE_HZ) -> None:
    (pitch_hz, confidence), (wanted_hz, wanted) = track(wav, *range_hz), detect(wav, *range_hz)
    assert pitch_hz.shape == confidence.shape == wanted_hz.shape
    assert np.abs(confidence - wanted).max() < CONFIDENCE
    voiced = wanted >= VOICED_CONFIDENCE
    assert np.array_equal(confidence >= VOICED_CONFIDENCE, voiced)
    assert np.abs(1200 * np.log2(pitch_hz / wanted_hz))[voiced].max(initial=0) < CENTS


@pytest.mark.parametrize("speaker", ["allison", "carlo", "june", "nikolay"])
def test_torch_hears_the_pitch_that_onnxruntime_hears(track: TorchTracker, speaker: str) -> None:
    wav = speech(speaker, 5.0)
    assert (detect(wav, *RANGE_HZ)[1] >= VOICED_CONFIDENCE).mean() > 0.2
    assert_alike(track, wav)


@pytest.mark.parametrize("n_samples", [1, 255, 256, 257, 511, 2049, 16001])
def test_any_length_has_as_many_frames(track: TorchTracker, n_samples: int) -> None:
    assert_alike(track, speech("june", 2.0, skip_s=0.5)[:n_samples])


def test_recordings_beyond_thirty_seconds_are_heard_in_the_same_windows(track: TorchTracker) -> None:
    assert_alike(track, speech("nikolay", 31.0))


def test_what_lies_outside_the_range_is_unvoiced(track: TorchTracker) -> None:
    wav = speech("allison", 3.0)
    for range_hz in ((300.0, 400.0), (0.0, 1e9), (50.0, 150.0)):
        assert_alike(track, wav, range_hz)
    assert (track(wav, 1500.0, 2000.0)[1] < VOICED_CONFIDENCE).all()


@pytest.mark.parametrize("level", [0.0, 1e-4], ids=["silent", "nearly"])
def test_silence_is_unvoiced(track: TorchTracker, level: float) -> None:
    wav = level * speech("june", 2.0)
    assert_alike(track, wav)
    assert not extract_f0(wav, 160, 200, track=track).any()
    assert not extract_f0(wav[:0], 160, 3, track=track).any()


def test_a_source_has_the_same_shift_and_f0(track: TorchTracker) -> None:
    blocks, voice = array_blocks(speech("carlo", 23.0), RATE), random_voice()  # two windows
    made, wanted = (analyse(blocks(), voice, AudioConfig(), "auto", one) for one in (track, detect))
    assert made.shift_st == pytest.approx(wanted.shift_st, abs=1e-3)
    voiced = wanted.f0 > 0
    assert np.array_equal(made.f0 > 0, voiced)
    assert np.abs(1200 * np.log2(made.f0[voiced] / wanted.f0[voiced])).max() < 1.0


def test_on_the_cpu_onnxruntime_answers_as_ever(tmp_path: Path) -> None:
    wav = speech("june", 2.0)
    made, wanted = tiny_networks(tmp_path).pitch(wav, *RANGE_HZ), detect(wav, *RANGE_HZ)
    assert all(np.array_equal(a, b) for a, b in zip(made, wanted, strict=True))


@needs_gpu
def test_a_gpu_hears_what_the_cpu_hears_until_it_is_left(tmp_path: Path) -> None:
    networks = TorchNetworks("cuda", write_generator(tmp_path / "base.safetensors"), None, AUDIO, CONTENT)
    wav = speech("allison", 21.0)
    assert_alike(networks.pitch, wav)
    on_gpu = networks.pitch(wav, *RANGE_HZ)
    networks.leave_device()
    on_cpu, wanted = networks.pitch(wav, *RANGE_HZ), detect(wav, *RANGE_HZ)
    assert not np.array_equal(on_gpu[0], wanted[0])  # it was not the CPU that answered
    assert np.array_equal(on_cpu[0], wanted[0])


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    model = onnx.load(GRAPH)
    model.graph.node.remove(next(node for node in model.graph.node if node.op_type == "Conv"))
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(AssetError, match="another network"):
        load_pitch_network(tmp_path / "other.onnx")


def test_whoever_installs_torch_can_read_the_graph() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    names = {extra: {line.split(">")[0] for line in lines} for extra, lines in extras.items()}
    assert all("onnx" in of for of in names.values() if "torch" in of)
    assert "torch" in names["train"]
