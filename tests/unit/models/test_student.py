"""The causal student: what it may hear, and that it learns."""

from pathlib import Path

import numpy as np
import pytest
import torch

from autovoice.config import AudioConfig, compose
from autovoice.models.student import StudentEncoder
from autovoice.training.callbacks import read_history
from autovoice.training.distill import DistillBatches, distil
from autovoice.training.segments import Item


def test_a_frame_waits_for_no_more_than_22_ms_of_what_follows() -> None:
    torch.manual_seed(0)
    student = StudentEncoder(dim=16, n_blocks=2, out_dim=8).eval()
    wav = torch.randn(1, 16000) * 0.05
    cut = wav.clone()
    cut[:, 320 * 20 + 360 :] = 0
    whole, part = student(wav), student(cut)
    assert whole.shape == (1, 50, 8)
    assert torch.equal(whole[:, :21], part[:, :21])
    assert not torch.equal(whole[:, 21:], part[:, 21:])


def test_the_student_is_small_enough_to_stream() -> None:
    assert sum(p.numel() for p in StudentEncoder().parameters()) <= 5_000_000


def item(seed: int, n: int = 120) -> Item:
    """Content that is a fixed function of the audio, so that it can be learnt."""
    audio = AudioConfig()
    rng = np.random.default_rng(seed)
    level = torch.from_numpy(rng.uniform(0.02, 0.2, n).astype(np.float32))
    wav = torch.randn(n, 2 * audio.output_hop, generator=torch.Generator().manual_seed(seed)) * level[:, None]
    content = (level.log() + 2.5)[:, None] * torch.linspace(-1, 1, 512)
    return {"wav": (wav.flatten() * 32767).clamp(-32767, 32767).short(), "content": content.half()}


def test_distillation_learns_and_resumes(tmp_path: Path) -> None:
    sizes = ["distill.max_steps=6", "distill.checkpoint_every_steps=3", "distill.batch_size=4", "distill.segment_s=1"]
    cfg = compose([*sizes, "distill.warmup_steps=2", f"pretrain.work_dir={tmp_path}"])
    groups = [[item(0)], [item(1)]]
    weights = distil(cfg, groups, np.ones(2))
    rows = read_history(tmp_path / "student_history.csv")
    assert [row["step"] for row in rows] == [3, 6]
    assert rows[1]["mse"] < rows[0]["mse"]
    assert weights.is_file()
    assert distil(cfg, groups, np.ones(2)).read_bytes() == weights.read_bytes()  # nothing is left to do


def test_a_distillation_batch_depends_on_its_number_alone() -> None:
    cfg = compose(["distill.batch_size=3", "distill.segment_s=1"])
    first, again = (
        batches.read(batches[5])
        for batches in (DistillBatches([[item(0)]], np.ones(1), cfg.distill, cfg.audio, 0) for _ in range(2))
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert first["wav"].shape == (3, 16000)
    assert first["content"].shape == (3, 50, 512)


def test_a_short_recording_is_padded_and_its_padding_not_learnt() -> None:
    cfg = compose(["distill.batch_size=1", "distill.segment_s=4"])
    batches = DistillBatches([[item(0, 60)]], np.ones(1), cfg.distill, cfg.audio, 0)
    batch = batches.read(batches[0])
    assert batch["content"][0, 60:].isnan().all()
    assert batch["wav"][0, 60 * 320 + 50 :].abs().max() == pytest.approx(0, abs=1e-6)
