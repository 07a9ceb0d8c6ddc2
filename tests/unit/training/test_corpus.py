"""The pretraining corpus: pseudo-speakers, twins, and what the features hold."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from autovoice.audio.io import save_wav
from autovoice.config import AudioConfig, ContentConfig
from autovoice.config_pretrain import PretrainConfig
from autovoice.errors import ConfigError
from autovoice.training.corpus import (
    SETTINGS,
    check_features,
    extract_corpus,
    pseudo_ratio,
    pseudo_speakers,
    read_corpus,
)
from autovoice.training.perturb import stretch
from autovoice.training.pretrain import group_by_speaker
from tests.audio_files import speech


def test_a_pseudo_speaker_is_clearly_another_voice_and_always_the_same() -> None:
    ratios = [pseudo_ratio(f"speaker {i}") for i in range(200)]
    assert ratios == [pseudo_ratio(f"speaker {i}") for i in range(200)]
    assert all(1.079 <= max(r, 1 / r) <= 1.251 for r in ratios)
    assert 60 < sum(r > 1 for r in ratios) < 140


def test_stretched_content_keeps_its_order_and_its_ends() -> None:
    content = torch.linspace(0, 1, 50)[:, None].half()
    longer = stretch(content, 60)
    assert longer.shape == (60, 1)
    assert (longer.diff(dim=0) >= 0).all()
    assert longer[0] == pytest.approx(0, abs=0.02)
    assert longer[-1] == pytest.approx(1, abs=0.02)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("corpus")
    for name in ("allison", "nikolay"):
        save_wav(root / f"{name}.flac", speech(name, 3.0), 16000)
    with (root / "manifest.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "speaker", "gender", "split", "kind"])
        writer.writerows([["allison.flac", "a", "F", "train", "speech"], ["nikolay.flac", "n", "M", "train", "speech"]])
        writer.writerow(["other.flac", "o", "M", "dev", "speech"])
    recordings = read_corpus(root / "manifest.csv", "train")
    recordings += pseudo_speakers(recordings)
    extract_corpus(recordings, root, root / "features", ContentConfig(), AudioConfig(), 1)
    return root / "manifest.csv", root / "features"


def test_features_are_those_of_the_encoder_that_is_configured(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers: pip install -e .[hub]")
    config = transformers.HubertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, conv_dim=[16] * 7
    )
    transformers.HubertModel(config).save_pretrained(tmp_path / "model")
    recordings = read_corpus(corpus[0], "train")[:1]
    content = ContentConfig(f"hf:{tmp_path / 'model'}", layer=2, dim=32, instance_norm=False)
    extract_corpus(recordings, corpus[0].parent, tmp_path / "features", content, AudioConfig(), 1)
    (path,) = (tmp_path / "features").glob("*.safetensors")
    found = load_file(path)["content"].float()
    assert found.shape == (150, 32)
    assert found.mean(0).abs().max() > 0.01, "normalised, which it was told not to be"


@pytest.mark.parametrize(
    ("content", "audio", "made_with"),
    [
        (ContentConfig(instance_norm=False), AudioConfig(), "content.instance_norm=True"),
        (ContentConfig(layer=2), AudioConfig(), "content.layer=3"),
        (ContentConfig(), AudioConfig(output_rate=16000), "audio.output_rate=24000"),
    ],
)
def test_features_of_other_settings_are_refused(
    corpus: tuple[Path, Path], content: ContentConfig, audio: AudioConfig, made_with: str
) -> None:
    manifest, features = corpus
    before = (features / SETTINGS).read_bytes()
    with pytest.raises(ConfigError, match=made_with):
        extract_corpus(read_corpus(manifest, "train"), manifest.parent, features, content, audio, 1)
    assert (features / SETTINGS).read_bytes() == before
    extract_corpus(read_corpus(manifest, "train"), manifest.parent, features, ContentConfig(), AudioConfig(), 1)


def test_features_serve_heads_of_any_frames(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    manifest, features = corpus
    other, recordings = AudioConfig(output_n_fft=1024), read_corpus(manifest, "train")
    extract_corpus(recordings, manifest.parent, tmp_path, ContentConfig(), other, 1)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {name: (features / name).read_bytes() for name in made}
    older = json.loads((tmp_path / SETTINGS).read_text()) | {"audio.output_n_fft": 1536}  # which named them
    (tmp_path / SETTINGS).write_text(json.dumps(older))
    check_features(tmp_path, ContentConfig(), other)


def test_each_voice_has_a_twin_that_says_the_same(corpus: tuple[Path, Path]) -> None:
    recordings = read_corpus(corpus[0], "train")
    groups, weights = group_by_speaker(recordings + pseudo_speakers(recordings), corpus[1], PretrainConfig())
    assert len(groups) == 4
    assert sorted(weights) == [0.5, 0.75, 1.0, 1.5]
    for (item,) in groups:
        assert len(item["content"]) == len(item["content_perturbed"])
        assert len(item["wav"]) == len(item["f0"]) * AudioConfig().output_hop
        similarity = torch.cosine_similarity(item["content"].float(), item["content_perturbed"].float(), dim=-1)
        assert similarity.mean() > 0.4  # the same words, in another voice
    (a,), (twin,) = groups[0], groups[1]
    medians = [np.median(x["f0"][x["f0"] > 0]) for x in (a, twin)]
    assert medians[0] / medians[1] == pytest.approx(pseudo_ratio("a"), rel=0.03)
