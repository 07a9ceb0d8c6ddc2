"""A pretraining small enough for a test: python -m tests.tiny_pretraining WORK KEY=VALUE..., as each of its ranks runs it."""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from autovoice.config import Config, compose
from autovoice.training.corpus import Recording
from autovoice.training.module import GeneratorTraining
from autovoice.training.pretrain import build_module, fit, group_by_speaker, pretrain

SETTINGS = [
    *("model.dim=16", "model.n_content_blocks=1", "model.n_blocks=1", "model.bottleneck=8", "model.n_heads=2"),
    *("pretrain.max_steps=2", "pretrain.checkpoint_every_steps=1", "pretrain.adversarial_from_step=1"),
    *("pretrain.batch_size=2", "pretrain.segment_s=0.64", "pretrain.reference_s=1", "pretrain.reference_max_s=1"),
    *("pretrain.warmup_steps=1", "pretrain.num_threads=1", "audio=16khz"),
]
RECORDINGS = [Recording(f"{i}.flac", f"voice {i % 2}", "M", "train") for i in range(3)]


def configuration(work: Path, *overrides: str) -> Config:
    """Two steps in `work`, of which the second is adversarial."""
    return compose([*SETTINGS, f"pretrain.work_dir={work}", *overrides])


def write_features(work: Path) -> None:
    """Features of RECORDINGS, 3 s each: random words, a buzz of 150 Hz in noise."""
    (work / "features").mkdir(parents=True)
    for i, recording in enumerate(RECORDINGS):
        rng, at_s = np.random.default_rng(i), np.arange(48000) / 16000
        wav = 0.1 * np.sign(np.sin(2 * np.pi * 150 * at_s)) + 0.01 * rng.normal(size=len(at_s))
        features = {
            "content": rng.normal(size=(150, 512)).astype(np.float16),
            "f0": np.where(np.arange(300) % 40 < 30, 150.0, 0.0).astype(np.float32),
            "loudness": np.zeros(300, np.float32),
            "mel": rng.normal(size=(300, 80)).astype(np.float16),
            "wav": (32767 * wav).astype(np.int16),
            "band_hz": np.array(8000.0, np.float32),
            "spk_emb": rng.normal(size=256).astype(np.float32),
        }
        path = work / "features" / f"{recording.key}.safetensors"
        save_file({name: torch.from_numpy(value) for name, value in features.items()}, path)


def train(cfg: Config) -> GeneratorTraining:
    """The module after training, of the rank that asks."""
    torch.set_num_threads(cfg.pretrain.num_threads)  # other tests leave other numbers, and sums in another order
    torch.manual_seed(0)
    module = build_module(cfg)
    fit(module, *group_by_speaker(RECORDINGS, Path(cfg.pretrain.work_dir) / "features", cfg.pretrain), cfg)
    return module


def main(work: Path, *overrides: str) -> None:
    """Leaves what each rank has learnt as rank<N>.safetensors, then what pretraining itself leaves."""
    cfg = configuration(work, *overrides)
    module = train(cfg)
    save_file(module.state_dict(), work / f"rank{module.global_rank}.safetensors")
    assert pretrain(cfg, RECORDINGS).is_file()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
