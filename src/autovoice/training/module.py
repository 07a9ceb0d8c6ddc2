"""The LightningModule that wires losses to the generator and, late in pretraining and in adaptation, to discriminators."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from autovoice.config import AudioConfig
from autovoice.files import replacing
from autovoice.models.discriminator import N_KEPT, Discriminators, judge_of
from autovoice.models.excitation import harmonic_excitation
from autovoice.models.generator import Generator
from autovoice.training import losses
from autovoice.training.band import limit_band
from autovoice.training.conversion import ConversionLoss, with_conversions
from autovoice.training.data import batch_number
from autovoice.training.low_rank import merged_state
from autovoice.training.widen import widened
from autovoice.weights import output_of, output_pair

ADVERSARIAL_WINDOW_S = 0.5  # whole segments make the discriminators far too slow on a CPU
MEL_WEIGHT = 2.0
FEATURE_MATCHING_RAMP_STEPS = 200
FROZEN = "conversion."


@dataclass
class Schedule:
    """When and how fast to learn. adversarial_from: the step at which the discriminators join (-1: never)."""

    lr: float
    adversarial_lr: float
    warmup_steps: int
    half_life_steps: int
    adversarial_from: int
    ema_decay: float = 0.998
    grad_clip: float = 5.0
    beta1: float = 0.8
    beta2: float = 0.98
    weight_decay: float = 0.01
    mel_weight: float = 5.0  # once the discriminators have joined
    judge_lr_ratio: float = 1.0  # how much faster the discriminators learn (two time scales, Heusel et al. 2017)

    def is_adversarial(self, step: int) -> bool:
        return 0 <= self.adversarial_from <= step

    def lr_at(self, step: int) -> float:
        """Linear warm-up, then exponential decay; both begin anew, lower, where the discriminators join."""
        peak, step = (
            (self.adversarial_lr, step - self.adversarial_from) if self.is_adversarial(step) else (self.lr, step)
        )
        return peak * min(1.0, (step + 1) / max(1, self.warmup_steps)) * 0.5 ** (step / self.half_life_steps)


class GeneratorTraining(L.LightningModule):
    """Trains `generator`; `ema` is its running average and what is kept."""

    def __init__(
        self,
        generator: Generator,
        discriminators: Discriminators,
        schedule: Schedule,
        audio: AudioConfig,
        seed: int = 0,
        many_voices: bool = False,  # neighbours in a batch are different people
        conversion: ConversionLoss | None = None,
        n_conversions: int = 0,  # a batch, once the discriminators have joined
        accumulate: int = 1,  # batches a step, of each rank
        mapping: bool = False,  # of the conversions' content
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminators = generator, discriminators
        self.ema = copy.deepcopy(generator).requires_grad_(False).eval()
        self.schedule, self.audio, self.seed, self.many_voices = schedule, audio, seed, many_voices
        self.conversion, self.n_conversions = conversion, n_conversions if conversion else 0
        self.accumulate, self.mapping = accumulate, mapping
        self.steps_done = 0  # a number of the host's: asking a GPU for it would wait for the GPU

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        s = self.schedule
        trainable = [p for p in self.generator.parameters() if p.requires_grad]
        groups = (trainable, list(self.discriminators.parameters()))
        fused = self.device.type == "cuda"
        return [
            torch.optim.AdamW(group, s.lr, (s.beta1, s.beta2), weight_decay=s.weight_decay, fused=fused)
            for group in groups
        ]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["state_dict"]  # frozen encoders are not kept
        checkpoint["state_dict"] = {name: v for name, v in state.items() if not name.startswith(FROZEN)}
        checkpoint["steps_done"] = self.steps_done

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["state_dict"] |= {name: v for name, v in self.state_dict().items() if name.startswith(FROZEN)}
        self.steps_done = checkpoint["steps_done"]

    def synthesise(self, batch: dict[str, Tensor]) -> Tensor:
        """batch of training.segments -> wav (B, T * output_hop)."""
        voiced = batch["f0"] > 0
        excitation = harmonic_excitation(batch["f0_filled"], voiced, self.audio.output_hop, self.audio.output_rate)
        noise = 0.1 * torch.randn_like(excitation)
        names = ("content", "f0", "loudness")
        voice = (batch["spk_emb"], batch["ref_content"], batch["ref_mel"])
        return self.generator(*(batch[name] for name in names), excitation, noise, *voice)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """One batch of those that make a step. Under DDP each backward pass averages the gradients over the ranks."""
        step, part = self.steps_done, batch_idx % self.accumulate
        draw = step * self.accumulate + part
        # The noise belongs to the batch: a resumed run draws what an unbroken one would have, and two ranks what one
        # would have that accumulates two batches.
        torch.manual_seed(self.seed + batch_number(draw, self.trainer.world_size, self.trainer.global_rank))
        optimizers: Any = self.optimizers()  # Lightning wraps them; step and zero_grad stay the same
        if part == 0:
            for optimizer in optimizers:
                optimizer.zero_grad()
        loss, parts = self._loss(batch, step)
        self.manual_backward(loss / self.accumulate)
        if part == self.accumulate - 1:
            self._update(optimizers, step)
        self.log_dict(
            {f"train/{name}": value.detach() for name, value in parts.items()} | {"train/loss": loss.detach()}
        )

    def _loss(self, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The generator's loss and its parts; takes the discriminators' gradients on the way."""
        rate, n = self.audio.output_rate, len(batch["wav"])
        n_more = self.n_conversions if self.schedule.is_adversarial(step) else 0
        inputs = with_conversions(batch, n_more, self.mapping) if n_more else batch
        # Above what the model hears, the losses see only the band that a recording has; below, its mel tells the band.
        band_hz = batch["band_hz"].clamp(min=self.audio.sample_rate / 2)
        made = self.synthesise(inputs)
        with self._in_float32():
            fakes, real = (
                limit_band(made, torch.cat([band_hz, band_hz[:n_more]]), rate),
                limit_band(batch["wav"], band_hz, rate),
            )
            fake = fakes[:n]
            convergence, log_l1 = losses.multi_resolution_stft(fake, real)
            mel = losses.mel_l1(fake, real, rate)
        parts = {"mel": mel, "convergence": convergence, "log_l1": log_l1}
        if not self.schedule.is_adversarial(step):
            return MEL_WEIGHT * mel + 0.5 * convergence + log_l1, parts
        adversarial = self._judge(fakes, real, inputs["spk_emb"], parts)
        ramp = min(1.0, (step - self.schedule.adversarial_from) / FEATURE_MATCHING_RAMP_STEPS)
        loss = self.schedule.mel_weight * mel + 0.5 * log_l1 + ramp * adversarial
        if self.conversion and n_more:
            heard = range(n - n_more, n + n_more)  # as many of the segments in their own voice, and the conversions
            names = ("said", "f0", "spk_emb")
            with self._in_float32():
                extra, own = self.conversion(made[heard], {name: inputs[name][heard] for name in names})
            loss, parts = loss + extra, parts | own
        return loss, parts

    def _in_float32(self) -> torch.autocast:
        """Where spectra and what is computed from them stay exact under mixed precision."""
        return torch.autocast(self.device.type, enabled=False)

    def _judge(self, fakes: Tensor, real: Tensor, spk_emb: Tensor, parts: dict[str, Tensor]) -> Tensor:
        """The discriminators' gradients on a random half second; returns the generator's adversarial + feature matching loss.

        fakes: (N, T), first those of `real` (B, T), then conversions; spk_emb: (N, 256). Both sides learn from the same two
        passes through the discriminators, so the gradient is taken here and hung on `fakes`.
        """
        size = min(int(ADVERSARIAL_WINDOW_S * self.audio.output_rate), real.shape[1])
        at = int(torch.randint(0, real.shape[1] - size + 1, ()))
        fakes, real, own_emb = fakes[:, at : at + size], real[:, at : at + size], spk_emb[: len(real)]
        leaf = fakes.detach().requires_grad_()
        judged_real, judged = self.discriminators(real, own_emb), self.discriminators(leaf, spk_emb)
        others = self.discriminators.scores_as(judged_real, own_emb.roll(1, 0)) if self.many_voices else []
        judged_real, judged, others = in_float32(judged_real), in_float32(judged), [score.float() for score in others]
        judge_loss = losses.discriminator_loss(judged_real, judged, others)
        matching = losses.feature_matching_loss(judged_real, judged)
        adversarial = losses.generator_adversarial_loss(judged) + 2 * matching
        (gradient,) = torch.autograd.grad(adversarial, leaf, retain_graph=True)
        self.manual_backward(judge_loss / self.accumulate, inputs=list(self.discriminators.parameters()))
        parts |= {"judge": judge_loss, "matching": matching}
        linear = (fakes * gradient).sum()
        return linear + (adversarial - linear).detach()

    def _update(self, optimizers: list[torch.optim.Optimizer], step: int) -> None:
        """One step along the gradients that its batches have left."""
        optimizer, judge_optimizer = optimizers
        for learner, ratio in ((optimizer, 1.0), (judge_optimizer, self.schedule.judge_lr_ratio)):
            for group in learner.param_groups:
                group["lr"] = self.schedule.lr_at(step) * ratio
        if self.schedule.is_adversarial(step):
            judge_optimizer.step()
        torch.nn.utils.clip_grad_norm_(self.generator.parameters(), self.schedule.grad_clip)
        optimizer.step()
        with torch.no_grad():
            averages: list[Tensor] = list(self.ema.parameters())
            values: list[Tensor] = list(self.generator.parameters())
            torch._foreach_lerp_(averages, values, 1 - self.schedule.ema_decay)
        self.steps_done += 1


def in_float32(judged: losses.Judgement) -> losses.Judgement:
    """Scores and features as losses need them, whatever the discriminators computed in."""
    return [(score.float(), [feature.float() for feature in features]) for score, features in judged]


def save_weights(module: GeneratorTraining, path: Path, metadata: dict[str, str]) -> None:
    """Writes the averaged generator and the discriminators, but for large ones, as float16 safetensors."""
    state = {f"generator.{name}": value for name, value in merged_state(module.ema).items()}
    judges = module.discriminators.state_dict().items()
    state |= {f"discriminators.{name}": value for name, value in judges if judge_of(name) < N_KEPT}
    with replacing(path) as temporary:
        save_file({name: value.detach().half().contiguous() for name, value in state.items()}, temporary, metadata)


def load_weights(
    path: Path, generator: Generator, discriminators: Discriminators | None = None, audio: AudioConfig | None = None
) -> None:
    """Loads what save_weights wrote; names and shapes must fit. audio: of the generator, whose rate may be a higher one."""
    state = load_file(path)
    for prefix, module in (("generator.", generator), ("discriminators.", discriminators)):
        if module is not None:
            own = {n.removeprefix(prefix): v.float() for n, v in state.items() if n.startswith(prefix)}
            if audio is not None and module is generator and output_of(path) != (now := output_pair(audio)):
                own = widened(own, output_of(path), now)
            module.load_state_dict(_absent(module, own) | own)


def _absent(module: torch.nn.Module, own: dict[str, Tensor]) -> dict[str, Tensor]:
    """What an older file may lack: whole discriminators, and their projection of the voice."""
    if not isinstance(module, Discriminators):
        return {}
    known = {judge_of(name) for name in own}
    state = module.state_dict().items()
    return {name: value for name, value in state if judge_of(name) not in known or name.endswith("speaker.weight")}
