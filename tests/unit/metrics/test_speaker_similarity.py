"""Speaker encoders: readers are told apart, level does not matter, the common rule is kept."""

import numpy as np
import pytest
import torch
from audio_files import RATE, speech

from autovoice.audio.loudness import rms_dbfs
from autovoice.errors import AudioError
from autovoice.metrics.campplus import campplus_embedding, campplus_features
from autovoice.metrics.campplus_network import CamPlusPlus
from autovoice.metrics.dvector import dvector_embedding, dvector_features
from autovoice.metrics.secs import secs_embedding
from autovoice.metrics.speaker import LEVEL_DBFS, cosine, joined, levelled

ENCODERS = {"secs": secs_embedding, "campp": campplus_embedding, "dvector": dvector_embedding}


@pytest.fixture(scope="module")
def wavs():
    return {(reader, part): speech(reader, 5.0, 5.0 * part) for reader in ("allison", "carlo") for part in (0, 1)}


@pytest.mark.parametrize(("name", "same", "other"), [("secs", 0.8, 0.75), ("campp", 0.7, 0.6), ("dvector", 0.7, 0.65)])
def test_one_reader_is_nearer_than_another(wavs, name, same, other):
    e = {key: ENCODERS[name](wav) for key, wav in wavs.items()}
    assert min(cosine(e[r, 0], e[r, 1]) for r in ("allison", "carlo")) > same
    assert max(cosine(e["allison", i], e["carlo", j]) for i in (0, 1) for j in (0, 1)) < other


@pytest.mark.parametrize("name", ENCODERS)
def test_embeddings_have_length_1_and_ignore_level(wavs, name):
    wav = wavs["allison", 0][: 3 * RATE]
    one, quiet = ENCODERS[name](wav), ENCODERS[name](0.05 * wav)
    assert one.dtype == np.float32
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert cosine(one, quiet) == pytest.approx(1, abs=1e-4)
    assert np.array_equal(one, ENCODERS[name](wav))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("wav", [np.zeros(RATE), np.zeros(0), np.ones(500), np.full(RATE, np.nan)], ids=str)
def test_what_has_no_voice_is_refused(name, wav):
    with pytest.raises(AudioError):
        ENCODERS[name](wav)


def test_secs_is_resemblyzer_on_the_whole_levelled_file(wavs):
    from resemblyzer import VoiceEncoder

    wav = wavs["carlo", 0]
    theirs = VoiceEncoder("cpu", verbose=False).embed_utterance(levelled(wav))
    assert np.allclose(secs_embedding(wav), theirs, atol=1e-5)


def test_level_is_rms_of_the_whole_file():
    wav = speech("allison", 2.0)
    padded = np.concatenate([wav, np.zeros(RATE, np.float32)])
    assert rms_dbfs(levelled(padded)) == pytest.approx(LEVEL_DBFS, abs=1e-3)


def test_references_are_joined_at_one_level():
    a, b = speech("allison", 1.0), 0.1 * speech("allison", 1.0, 1.0)
    both = joined([a, b])
    assert len(both) == len(a) + len(b)
    assert rms_dbfs(both[: len(a)]) == pytest.approx(rms_dbfs(both[len(a) :]), abs=1e-3)


def test_cosine_of_nothing_is_nan():
    assert np.isnan(cosine(np.zeros(3), np.ones(3)))
    assert cosine(np.array([1.0, 0]), np.array([-2.0, 0])) == -1


def test_campplus_network_and_features_have_their_shapes():
    network = CamPlusPlus().eval()
    with torch.inference_mode():
        out = network(torch.randn(2, 150, 80))
    assert out.shape == (2, 192)
    assert (out >= 0).all()
    features = campplus_features(levelled(speech("carlo", 1.0)))
    assert features.shape == (98, 80)
    assert features.mean(0).abs().max() < 1e-4


def test_dvector_windows_overlap_by_half():
    assert dvector_features(np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)).shape == (3, 80, 40)
    assert dvector_features(np.ones(1600, np.float32)).shape == (1, 80, 40)
