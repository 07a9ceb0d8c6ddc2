"""Checkpoint choice in adaptation: words kept (CER) and the target's voice reached (d-vector), never the training loss."""

from pathlib import Path

import lightning as L
import numpy as np
import torch

from autovoice.audio.resample import resample
from autovoice.config import Config, PresetConfig
from autovoice.convert import VoiceConverter
from autovoice.metrics.asr import cer, transcribe
from autovoice.metrics.dvector import dvector_embedding
from autovoice.models.torch_networks import TorchNetworks
from autovoice.training.callbacks import read_history, write_history
from autovoice.training.module import GeneratorTraining, save_weights
from autovoice.voice import VoiceProfile
from autovoice.weights import model_metadata

PROBE_PRESET = PresetConfig(retrieval=0.0)  # the generator alone is judged: retrieval would hide what it has not learnt


def choose(rows: list[dict[str, float]], max_cer: float) -> dict[str, float]:
    """Among rows whose cer is within max_cer of the lowest, the one of highest similarity (the earliest of equals)."""
    lowest = min(row["cer"] for row in rows)
    return max(
        (row for row in rows if row["cer"] <= lowest + max_cer), key=lambda row: (row["similarity"], -row["step"])
    )


def pooled(cers: list[float], lengths: list[int]) -> float:
    """CER of texts of `lengths` characters, as of one long text: a short one weighs little. NaN: no words, left out."""
    known = ~np.isnan(cers)
    return (
        float(np.average(np.asarray(cers)[known], weights=np.asarray(lengths)[known])) if known.any() else float("nan")
    )


class Selection(L.Callback):
    """Converts the probes with the averaged generator each epoch; stops when nothing improves for `patience` epochs.

    Each candidate is kept as work/candidates/STEP.safetensors, its scores in work/selection.csv.
    """

    def __init__(
        self, voice: VoiceProfile, targets: list[np.ndarray], probes: list[np.ndarray], cfg: Config, work: Path
    ) -> None:
        self.voice, self.probes, self.cfg, self.work = voice, probes, cfg, work
        self.texts = [transcribe(probe) for probe in probes]
        target = np.mean([dvector_embedding(wav) for wav in targets], 0)
        self.target = target / np.linalg.norm(target)
        self.networks = TorchNetworks("cpu", model=cfg.model, audio=cfg.audio, content=cfg.content)
        self.converter = VoiceConverter(networks=self.networks)

    def score(self, weights: Path) -> tuple[float, float]:
        """(CER over the characters of all probes, mean d-vector similarity to the target) converted with `weights`."""
        self.voice.adapted = weights
        cers, similarities = [], []
        for probe, text in zip(self.probes, self.texts, strict=True):
            wav = self.converter.convert(probe, self.voice, PROBE_PRESET, seed=self.cfg.seed)
            wav = resample(wav, self.cfg.audio.output_rate, self.cfg.audio.sample_rate)
            cers.append(cer(text, transcribe(wav)))
            similarities.append(float(dvector_embedding(wav) @ self.target))
        return pooled(cers, [len(text) for text in self.texts]), float(np.mean(similarities))

    def evaluate(self, module: GeneratorTraining) -> dict[str, float]:
        """Scores the module as it is and appends the row to selection.csv."""
        step = int(module.steps_done)
        path = self.work / "candidates" / f"{step:06d}.safetensors"
        save_weights(module, path, model_metadata(self.cfg.model, self.cfg.audio))
        with torch.random.fork_rng():
            error, similarity = self.score(path)
        row = {"step": float(step), "cer": round(error, 5), "similarity": round(similarity, 5)}
        history = self.work / "selection.csv"
        write_history(history, [r for r in read_history(history) if r["step"] < step] + [row])
        return row

    def before_training(self, module: GeneratorTraining) -> None:
        """The base itself is the first candidate, unless a resumed run has scored it already."""
        if not read_history(self.work / "selection.csv"):
            self.evaluate(module)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, GeneratorTraining)
        self.evaluate(pl_module)
        rows = read_history(self.work / "selection.csv")
        best = choose(rows, self.cfg.trainer.max_cer)
        if len([row for row in rows if row["step"] > best["step"]]) >= self.cfg.trainer.patience:
            trainer.should_stop = True
