"""Graphs of the installation's own weights: made once, made again when they were changed, and those of adapted voices."""

from pathlib import Path

import numpy as np
import pytest

from autovoice.bundle import load_graphs
from autovoice.config import AudioConfig, ContentConfig
from autovoice.errors import AssetError
from autovoice.export import own
from autovoice.export.own import own_bundle, own_graphs
from autovoice.graphs import CONTENT, GENERATOR, LIVE_GENERATOR
from tests.tiny_networks import error_db, random_target, tiny_networks, write_generator

AUDIO = AudioConfig()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOVOICE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_they_are_made_once_and_again_when_a_file_was_changed(cache: Path) -> None:
    made = own_bundle(AUDIO, ContentConfig())
    assert made is not None
    graph = made / "graphs" / CONTENT
    first_ns = graph.stat().st_mtime_ns
    assert own_bundle(AUDIO, ContentConfig()) == made
    assert graph.stat().st_mtime_ns == first_ns
    graph.write_bytes(b"damaged")
    assert own_bundle(AUDIO, ContentConfig()) == made
    assert load_graphs(made, "cpu").weights == made / "base.safetensors"


def test_an_adapted_voice_is_spoken_by_graphs_of_its_own(cache: Path, tmp_path: Path) -> None:
    networks = tiny_networks(tmp_path)
    folder = tmp_path / "voice"
    folder.mkdir()
    weights = write_generator(folder / "weights.safetensors", seed=5)
    asked = {"audio": AUDIO, "content": networks.config}
    found = own._kept("tiny", {name: vars(part) for name, part in asked.items()} | {"weights": str(weights)})
    assert found is not None
    assert {path.name for path in found.iterdir()} >= {GENERATOR, LIVE_GENERATOR}
    bundle = own_bundle(AUDIO, ContentConfig())
    assert bundle is not None
    graphs = load_graphs(bundle, "cpu")
    graphs.make = lambda _: found
    content, f0, loudness = (
        np.ones((1, 4, 32), np.float32),
        np.full((1, 8), 150, np.float32),
        np.zeros((1, 8), np.float32),
    )
    target = random_target(weights=weights)
    made, wanted = (each.generate(content, f0, loudness, [target]) for each in (graphs, networks))
    assert all(error_db(a, b) < -60 for a, b in zip(made, wanted, strict=True))


def test_what_cannot_be_made_is_said(cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert own_bundle(AUDIO, ContentConfig(name="hubert-base")) is None
    with pytest.raises(AssetError, match="no such weights"):
        own_graphs(tmp_path / "none.safetensors", AUDIO, ContentConfig())
    cache.write_text("a file in the place of the folder")
    assert own_bundle(AUDIO, ContentConfig()) is None
    assert "going on in torch" in caplog.text
