"""CAM++ speaker similarity: the judge, an encoder that neither conditions the model nor chooses its checkpoints.

What it means: cosine of two 192-d embeddings of CAM++ trained on Chinese and English speech (3D-Speaker, asset
"campplus"). Two recordings of one reader score about 0.83, two different readers about 0.38 (20 LibriSpeech readers;
EER 1.3 %). Unit: none. Range: 0 to 1 (the embedding is rectified), higher is more alike. Features: 80-dim Kaldi
filterbank without dither, minus its mean.
Paper: Wang et al. 2023, "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking".
Failure: AudioError on silence, NaN or under 100 ms.
"""

from functools import cache
from pathlib import Path

import numpy as np
import torch

from autovoice.assets import asset_path
from autovoice.metrics.campplus_network import N_MELS, CamPlusPlus
from autovoice.metrics.speaker import SAMPLE_RATE, levelled, unit
from autovoice.torchaudio_compat import torchaudio


@cache
def _network(path: Path) -> CamPlusPlus:
    network = CamPlusPlus()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


def campplus_features(wav: np.ndarray) -> torch.Tensor:
    """wav (T,) mono 16 kHz -> (n_frames, 80) log filterbank of 25 ms windows every 10 ms, minus its mean over time."""
    kaldi = torchaudio.compliance.kaldi
    features = kaldi.fbank(torch.from_numpy(wav)[None], num_mel_bins=N_MELS, sample_frequency=SAMPLE_RATE, dither=0.0)
    return features - features.mean(0, keepdim=True)


def campplus_embedding(wav: np.ndarray, path: Path | None = None) -> np.ndarray:
    """wav (T,) mono 16 kHz, any level -> embedding (192,) float32 of length 1; `path` overrides the asset's file."""
    features = campplus_features(levelled(wav))
    with torch.inference_mode():
        embedding = _network(path or asset_path("campplus"))(features[None])[0]
    return unit(embedding.numpy())
