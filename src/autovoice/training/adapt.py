"""Adapts the base generator to one voice; the checkpoint is chosen by words kept and by an encoder that judges nothing else."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn

from autovoice.audio.excitation import fill_unvoiced
from autovoice.audio.io import load_wav
from autovoice.audio.resample import resample
from autovoice.config import AudioConfig, Config
from autovoice.errors import DataError
from autovoice.features import at_level
from autovoice.files import replacing, write_json
from autovoice.models.discriminator import Discriminators
from autovoice.models.generator import Generator
from autovoice.models.speaker import embed_speaker
from autovoice.training.callbacks import LossHistory, read_history
from autovoice.training.data import IntervalData
from autovoice.training.devices import precision_of
from autovoice.training.features import extract_features
from autovoice.training.low_rank import add_low_rank
from autovoice.training.mix import draw_weights, read_mix
from autovoice.training.module import GeneratorTraining, Schedule, load_weights
from autovoice.training.perturb import with_copies
from autovoice.training.resume import MARKER, fingerprint, prepare_work
from autovoice.training.segments import Item, SegmentBatches, SegmentConfig, target_of
from autovoice.training.selection import Selection, choose
from autovoice.voice import VoiceProfile, pieces_of, recordings_of
from autovoice.weights import BASE_GENERATOR

PROBES = (
    Path(__file__).parent.parent / "weights" / "probes"
)  # short sentences that choose the checkpoint of a user's voice
HEAD_PREFIXES = ("spk.", "head.", "reference.", "prosody.")


@dataclass
class AdaptResult:
    """The chosen step, its probe CER and d-vector similarity, and how many steps were run."""

    step: int
    cer: float
    similarity: float
    steps_run: int


def items_of(wavs: list[np.ndarray], encoder: nn.Module, cfg: Config) -> list[Item]:
    """Training items of recordings (mono, at the output rate), in pieces of at most 15 s."""
    items = []
    rate, audio = cfg.audio.output_rate, cfg.audio
    for piece in pieces_of(wavs, rate):
        wav = at_level(piece, rate, audio)
        heard = resample(wav, rate, audio.sample_rate)
        items.append(training_item(extract_features(heard, encoder, audio), wav, embed_speaker(heard), audio))
    return items


def training_item(features: Item, wav: np.ndarray, spk_emb: np.ndarray, audio: AudioConfig) -> Item:
    """Features of a recording and its samples at audio.output_rate -> an item for SegmentBatches."""
    filled = torch.from_numpy(fill_unvoiced(features["f0"].numpy()))
    target = target_of(wav, len(features["f0"]), audio)
    return features | target | {"f0_filled": filled, "spk_emb": torch.from_numpy(spk_emb)}


def choose_trainable(generator: Generator, trainable: str, rank: int = 8) -> None:
    """all; low_rank: updates of `rank`; adaln_head: speaker layers, attention to the reference and head.

    Words stay with what is not trained, or moves little.
    """
    if trainable == "low_rank":
        add_low_rank(generator, rank)
        return
    for name, parameter in generator.named_parameters():
        parameter.requires_grad_(trainable == "all" or ".ada." in name or name.startswith(HEAD_PREFIXES))


def build_module(cfg: Config, base: Path) -> GeneratorTraining:
    """The base generator and the discriminators that were trained with it, ready to be adapted.

    many_voices stays off, also with trainer.mix: it takes a neighbour in the batch for somebody else, and most
    neighbours are still the voice itself.
    """
    generator = Generator(cfg.model, cfg.audio, cfg.content)
    discriminators = Discriminators.at_rate(cfg.audio.output_rate).only_those_in(base)
    load_weights(base, generator, discriminators)
    choose_trainable(generator, cfg.trainer.trainable, cfg.trainer.rank)
    o, t = cfg.optim, cfg.trainer
    schedule = Schedule(
        lr=o.lr,
        adversarial_lr=o.lr,
        warmup_steps=o.warmup_steps,
        half_life_steps=o.half_life_steps,
        adversarial_from=0 if t.adversarial else -1,
        ema_decay=t.ema_decay,
        grad_clip=o.grad_clip,
        beta1=o.beta1,
        beta2=o.beta2,
        weight_decay=o.weight_decay,
    )
    return GeneratorTraining(generator, discriminators, schedule, cfg.audio, cfg.seed)


def adapt(
    voice: VoiceProfile,
    items: list[Item],
    targets: list[np.ndarray],
    probes: list[np.ndarray],
    cfg: Config,
    work: Path,
    base: Path = BASE_GENERATOR,
    num_threads: int = 0,
    on_row=None,
    others: Sequence[list[Item]] = (),
) -> AdaptResult:
    """Trains on `items`, and at the share trainer.mix on those of `others` (a list a person); converts `probes`
    each interval; writes work/weights.safetensors, *.csv and choice.json.

    targets: recordings of the voice, to compare with; probes: sentences of other people; both mono 16 kHz.
    num_threads: 0 for the trainer's. A killed run resumes from work/checkpoints/last.ckpt.
    """
    if not probes:
        raise DataError("no probe sentences to choose a checkpoint by", str(work), "give recordings of another speaker")
    t, last = cfg.trainer, work / "checkpoints" / "last.ckpt"
    torch.set_num_threads(num_threads or t.num_threads)
    L.seed_everything(cfg.seed, verbose=False)
    module = build_module(cfg, base)
    selection = Selection(voice, targets, probes, cfg, work)
    data = _batches([items, *others], selection.networks.encoder, cfg)
    trainer = _trainer(cfg, last, [LossHistory(work / "loss.csv", on_row), selection])
    selection.before_training(module)
    trainer.fit(module, data, ckpt_path=last if last.exists() else None, weights_only=True)
    return _finish(module, work, cfg)


def _batches(groups: list[list[Item]], encoder: nn.Module, cfg: Config) -> IntervalData:
    """Batches of the first group, the voice's own, with the others mixed in."""
    t = cfg.trainer
    segments = SegmentConfig(t.batch_size, t.segment_s, t.reference_s, t.reference_s, t.perturb)
    if t.perturb:
        groups = [[with_copies(item, encoder, cfg.audio) for item in group] for group in groups]
    weights = draw_weights(len(groups) - 1, t.mix)
    return IntervalData(SegmentBatches(groups, segments, cfg.audio, cfg.seed, weights), t.val_every_steps)


def _trainer(cfg: Config, last: Path, callbacks: list[L.Callback]) -> L.Trainer:
    """Runs in epochs of val_every_steps, each of which ends with a checkpoint."""
    t = cfg.trainer
    return L.Trainer(
        accelerator=t.accelerator,
        devices=t.devices,
        precision=precision_of(t.precision),  # type: ignore[arg-type]
        max_epochs=-(-t.max_steps // t.val_every_steps),
        reload_dataloaders_every_n_epochs=1,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        callbacks=[
            *callbacks,
            ModelCheckpoint(last.parent, last.stem, save_on_train_epoch_end=True, enable_version_counter=False),
        ],
    )


def _finish(module: GeneratorTraining, work: Path, cfg: Config) -> AdaptResult:
    """Keeps the chosen candidate as weights.safetensors and says why in choice.json."""
    rows = read_history(work / "selection.csv")
    best = choose(rows, cfg.trainer.max_cer)
    step = int(best["step"])
    with replacing(work / "weights.safetensors") as temporary:
        shutil.copyfile(work / "candidates" / f"{step:06d}.safetensors", temporary)
    result = AdaptResult(step, best["cer"], best["similarity"], int(module.steps_done))
    write_json(
        work / "choice.json",
        {"step": step, "cer": result.cer, "similarity": result.similarity, "steps_run": result.steps_run},
    )
    return result


def read_probes(folder: Path = PROBES, sample_rate: int = 16000) -> list[np.ndarray]:
    """The sentences that ship with the package for choosing checkpoints."""
    return [load_wav(path, sample_rate) for path in sorted(folder.glob("*.flac"))]


def adapt_recordings(
    voice: VoiceProfile,
    wavs: list[np.ndarray],
    cfg: Config,
    encoder: nn.Module,
    work: Path,
    base: Path = BASE_GENERATOR,
    on_row=None,
) -> AdaptResult:
    """Adapts `base` to recordings (T,) at audio.output_rate; a run of other recordings or settings in `work` is forgotten.

    The people of trainer.mix_dir are mixed in; the shipped probes' people choose and may not be among them. Raises
    ConfigError for a mix without a folder.
    """
    audio = cfg.audio
    people = read_mix(cfg.trainer, audio.output_rate, cfg.seed)
    prepare_work(work, fingerprint(cfg, [hashlib.sha256(wav.tobytes()).hexdigest() for wav in wavs], base))
    items, *others = [items_of(own, encoder, cfg) for own in (wavs, *people)]
    heard = [resample(wav, audio.output_rate, audio.sample_rate) for wav in wavs]
    probes = read_probes(sample_rate=audio.sample_rate)
    return adapt(voice, items, heard, probes, cfg, work, base, on_row=on_row, others=others)


def adapt_voice(folder: Path, cfg: Config, encoder: nn.Module, on_row=None) -> AdaptResult:
    """Adapts the voice in `folder` (made by clone) and puts weights.safetensors there; raises DataError without recordings."""
    voice, wavs = VoiceProfile.load(folder), recordings_of(folder, cfg.audio.output_rate)
    work = folder / "adaptation"
    result = adapt_recordings(voice, wavs, cfg, encoder, work, on_row=on_row)
    with replacing(folder / "weights.safetensors") as temporary:
        shutil.copyfile(work / "weights.safetensors", temporary)
    shutil.rmtree(work / "candidates")
    shutil.rmtree(work / "checkpoints")
    (work / MARKER).unlink()  # the next run begins anew
    return result
