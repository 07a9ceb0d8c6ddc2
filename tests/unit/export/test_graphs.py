"""The exported graphs are the networks: at any length and batch they give what torch gives, to -60 dB."""

from pathlib import Path

import numpy as np
import pytest

from autovoice.audio.mel import AFTER, BEFORE
from autovoice.errors import AssetError, AutovoiceError
from autovoice.export.graphs import export_encoders, export_generator
from autovoice.export.live import export_live_generator, export_live_student
from autovoice.graphs import GENERATOR, LIVE_GENERATOR, Graphs, pick_providers
from autovoice.models.torch_networks import TorchNetworks
from tests.tiny_networks import AUDIO, CONTENT, TinyNetworks, deviation_db, error_db, random_target, tiny_networks

LENGTHS_S = (0.2, 1.0, 7.0, 31.0, 61.0)
BATCHES = (1, 3)
BOUND_DB = -60.0


@pytest.fixture(scope="module")
def torchs(tmp_path_factory: pytest.TempPathFactory) -> TinyNetworks:
    return tiny_networks(tmp_path_factory.mktemp("torch"))


@pytest.fixture(scope="module")
def graphs(torchs: TinyNetworks, tmp_path_factory: pytest.TempPathFactory) -> Graphs:
    folder = tmp_path_factory.mktemp("graphs")
    export_encoders(torchs, folder)
    export_generator(torchs.generator(), folder)
    export_live_student(torchs.student, folder, int8=False)
    export_live_generator(torchs.generator(), folder, int8=False)
    return Graphs(folder, AUDIO, CONTENT, torchs.weights, causal=True, device="cpu")


def noise(batch: int, seconds: float) -> np.ndarray:
    """As loud as the networks expect speech."""
    rng = np.random.default_rng(0)
    wav = rng.standard_normal((batch, int(seconds * 16000)), np.float32) * np.float32(0.05)
    return wav * np.repeat(rng.uniform(0.05, 1, (batch, wav.shape[1] // 800)), 800, 1).astype(np.float32)


@pytest.mark.parametrize("seconds", LENGTHS_S)
@pytest.mark.parametrize("batch", BATCHES)
def test_content_is_the_same_at_any_length_and_batch(
    torchs: TinyNetworks, graphs: Graphs, seconds: float, batch: int
) -> None:
    wav = noise(batch, seconds)
    assert error_db(graphs.content(wav, "large"), torchs.content(wav, "large")) < BOUND_DB
    assert error_db(graphs.content(wav, "student"), torchs.content(wav, "student")) < BOUND_DB


@pytest.mark.parametrize("seconds", LENGTHS_S)
@pytest.mark.parametrize("batch", BATCHES)
def test_the_generator_is_the_same_at_any_length_and_batch(
    torchs: TinyNetworks, graphs: Graphs, seconds: float, batch: int
) -> None:
    rng, n = np.random.default_rng(1), int(seconds * 50)
    content = rng.standard_normal((batch, n, CONTENT.dim), np.float32)
    f0 = np.where(rng.random((batch, 2 * n)) < 0.7, rng.uniform(80, 400, (batch, 2 * n)), 0).astype(np.float32)
    loudness = rng.uniform(-1, 0.5, (batch, 2 * n)).astype(np.float32)
    targets = [random_target(seed) for seed in range(batch)]
    made, wanted = (networks.generate(content, f0, loudness, targets) for networks in (graphs, torchs))
    assert all(error_db(a, b) < BOUND_DB for a, b in zip(made, wanted, strict=True))


@pytest.mark.parametrize("seconds", [0.2, 1.0, 7.0, 31.0])
def test_a_speaker_is_the_same(torchs: TinyNetworks, graphs: Graphs, seconds: float) -> None:
    wav = noise(1, seconds)[0]
    assert error_db(graphs.embed_speaker(wav), torchs.embed_speaker(wav)) < BOUND_DB


def test_a_stream_is_the_same_step_by_step(torchs: TinyNetworks, graphs: Graphs) -> None:
    target, wav = random_target(), np.pad(noise(1, 2.0)[0], (BEFORE, AFTER))
    made, wanted = graphs.steps(target), torchs.steps(target)
    loudness = np.zeros(2, np.float32)
    for i in range(100):
        f0 = np.array([150 + i, 0 if i % 10 == 0 else 151 + i], np.float32)
        a, b = (steps.content(wav[320 * i : 320 * i + BEFORE + AFTER]) for steps in (made, wanted))
        assert error_db(a, b) < BOUND_DB
        pairs = zip(made.filters(b, f0, loudness), wanted.filters(b, f0, loudness), strict=True)
        assert all(error_db(x, y) < BOUND_DB for x, y in pairs)


def test_a_stream_in_int8_is_nearly_the_same_in_less_room(torchs: TinyNetworks, graphs: Graphs, tmp_path: Path) -> None:
    export_generator(torchs.generator(), tmp_path)
    export_encoders(torchs, tmp_path)
    export_live_student(torchs.student, tmp_path)
    export_live_generator(torchs.generator(), tmp_path)
    small = Graphs(tmp_path, AUDIO, CONTENT, torchs.weights, causal=True, device="cpu")
    wav, f0, loudness = np.pad(noise(1, 1.0)[0], (BEFORE, AFTER)), np.full(2, 150, np.float32), np.zeros(2, np.float32)
    errors_db = []
    steps = [networks.steps(random_target()) for networks in (small, graphs)]
    for i in range(50):
        contents = [each.content(wav[320 * i : 320 * i + BEFORE + AFTER]) for each in steps]
        made = [each.filters(content, f0, loudness) for each, content in zip(steps, contents, strict=True)]
        pairs = [tuple(contents), *zip(*made, strict=True)]
        errors_db.append([deviation_db(a, b) for a, b in pairs])
    assert -100 < np.mean(errors_db) < -25  # not zero: it is int8
    assert (tmp_path / LIVE_GENERATOR).stat().st_size < 0.6 * (graphs.folder / LIVE_GENERATOR).stat().st_size


def test_weights_take_the_room_of_their_files_in_float16(graphs: Graphs, torchs: TinyNetworks) -> None:
    assert (graphs.folder / GENERATOR).stat().st_size < 1.5 * torchs.weights.stat().st_size


def test_graphs_in_float16_are_nearly_the_same(torchs: TinyNetworks, graphs: Graphs, tmp_path: Path) -> None:
    export_encoders(torchs, tmp_path, fp16=True)
    export_generator(torchs.generator(), tmp_path, fp16=True)
    half = Graphs(tmp_path, AUDIO, CONTENT, torchs.weights, causal=True, device="cpu")
    wav, targets = noise(2, 3.0), [random_target(seed) for seed in range(2)]
    f0, loudness = np.full((2, 300), 150, np.float32), np.zeros((2, 300), np.float32)
    content = graphs.content(wav)
    pairs = [(half.content(wav), content), (half.content(wav, "student"), graphs.content(wav, "student"))]
    pairs += zip(*(each.generate(content, f0, loudness, targets) for each in (half, graphs)), strict=True)
    errors_db = [deviation_db(a, b) for a, b in pairs]
    assert max(errors_db) < -50
    assert min(errors_db) > -100  # not zero: it is float16


def test_an_adapted_voice_without_its_graph_is_named(graphs: Graphs, tmp_path: Path) -> None:
    target = random_target(weights=tiny_networks(tmp_path).weights)
    with pytest.raises(AssetError, match="no graph of its adapted weights"):
        graphs.generate(np.zeros((1, 4, 32), np.float32), *np.zeros((2, 1, 8), np.float32), [target])


def test_a_provider_that_is_not_there_gives_way_with_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert pick_providers("cpu")[-1][0] == "CPUExecutionProvider"
    assert pick_providers("tensorrt")[-1][0] == "CPUExecutionProvider"
    assert "TensorrtExecutionProvider" in caplog.text
    with pytest.raises(AutovoiceError, match="no such device"):
        pick_providers("toaster")


def test_the_shipped_encoders_are_the_same(tmp_path: Path) -> None:
    torchs = TorchNetworks("cpu")
    export_encoders(torchs, tmp_path)
    export_generator(torchs.generator(), tmp_path)
    graphs = Graphs(tmp_path, torchs.audio, torchs.config, torchs.weights, causal=True, device="cpu")
    wav = noise(1, 3.0)
    content = torchs.content(wav, "large")
    assert error_db(graphs.content(wav, "large"), content) < BOUND_DB
    assert error_db(graphs.content(wav, "student"), torchs.content(wav, "student")) < BOUND_DB
    f0, loudness = np.full((1, 300), 150, np.float32), np.zeros((1, 300), np.float32)
    rng = np.random.default_rng(0)
    target = random_target()
    reference = rng.standard_normal((40, torchs.config.dim), np.float32)
    target = type(target)(target.spk_emb, reference, target.ref_mel)
    made, wanted = (networks.generate(content, f0, loudness, [target]) for networks in (graphs, torchs))
    assert all(error_db(a, b) < BOUND_DB for a, b in zip(made, wanted, strict=True))
