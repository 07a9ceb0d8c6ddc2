"""The networks in torch: on the CPU or a CUDA device, from safetensors."""

import copy
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from autovoice.audio.f0 import Tracker, detect
from autovoice.audio.mel import student_pairs
from autovoice.config import AudioConfig, ContentConfig, ModelConfig
from autovoice.errors import AssetError, AutovoiceError
from autovoice.models.content import encode, load_content_encoder, load_student
from autovoice.models.generator import Generator
from autovoice.models.speaker import embed_speaker
from autovoice.models.stream import GeneratorStep, Hearing, StudentStep
from autovoice.models.student import StudentEncoder
from autovoice.networks import N_HEARD, Encoder, Filters, OutOfMemory, Target
from autovoice.weights import BASE_GENERATOR, load_generator_state

Heard = tuple[Tensor, Tensor, Tensor]
LOGGER = logging.getLogger(__name__)


def pick_device(device: str) -> torch.device:
    """auto: CUDA where there is one. Raises AutovoiceError for a device that is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise AutovoiceError(
            "no CUDA device is usable", f"--device {device}", "use --device cpu, or see autovoice doctor"
        )
    try:
        picked = torch.device(device)
    except RuntimeError as error:
        raise AutovoiceError("no such device", f"--device {device}", "use cpu, cuda, cuda:N or auto") from error
    if picked.type == "cuda" and (picked.index or 0) >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise AutovoiceError("no such CUDA device", f"--device {device}", f"the last one is cuda:{last}")
    return picked


def load_generator(
    weights: Path, audio: AudioConfig, content: ContentConfig, model: ModelConfig | None = None
) -> Generator:
    """The generator in a file written by training, frozen and in eval mode.

    Raises AssetError as load_generator_state, and for one that was trained on content of another width.
    """
    sizes, state = load_generator_state(weights, audio, model)
    generator = Generator(sizes, audio, content)
    try:
        generator.load_state_dict(state)
    except RuntimeError as error:
        remedy = "name the content settings that it was trained with"
        raise AssetError(
            f"its sizes are others than those of content.dim={content.dim}", str(weights), remedy
        ) from error
    return generator.eval().requires_grad_(False)


class TorchNetworks:
    """autovoice.networks.Networks in torch; keeps the generators last used."""

    def __init__(
        self,
        device: str = "auto",
        weights: Path = BASE_GENERATOR,
        model: ModelConfig | None = None,
        audio: AudioConfig | None = None,
        content: ContentConfig | None = None,
    ) -> None:
        self.audio, self.config = audio or AudioConfig(), content or ContentConfig()
        self.weights, self.model, self._device = weights, model, pick_device(device)
        self.encoder = self.load_encoder().to(self._device)
        self._generator = lru_cache(maxsize=4)(lambda path, _: self.load_generator(path))
        self._student = lru_cache(maxsize=1)(self.load_student)
        self._heard = lru_cache(maxsize=N_HEARD)(self._hear)
        self._tracker = lru_cache(maxsize=1)(self.load_tracker)

    def load_encoder(self) -> nn.Module:
        """The large content encoder."""
        return load_content_encoder(self.config)

    def load_student(self) -> StudentEncoder:
        """The small one."""
        return load_student(self.config)

    def load_generator(self, weights: Path) -> Generator:
        """The generator in a file."""
        return load_generator(weights, self.audio, self.config, self.model)

    def load_tracker(self, device: torch.device) -> Tracker:
        """What finds pitch on a device other than the CPU."""
        from autovoice.models.pitch import TorchTracker  # needs onnx, which the CPU can do without

        return TorchTracker(device)

    @property
    def device(self) -> str:
        """cpu, cuda or cuda:N."""
        return str(self._device)

    @property
    def student(self) -> StudentEncoder:
        """The small content encoder, on the device."""
        return self._student().to(self._device)

    def generator(self, weights: Path | None = None) -> Generator:
        """The generator of a file, or the base, on the device."""
        path = weights or self.weights
        return self._generator(path, path.stat().st_mtime_ns).to(self._device)

    def pitch(self, wav: np.ndarray, f0_min_hz: float, f0_max_hz: float) -> tuple[np.ndarray, np.ndarray]:
        """As Networks.pitch; on the CPU too where the device has no room left: it is heard before chunks can be made smaller."""
        if (device := self._device).type != "cpu":
            try:
                with self._memory():
                    return self._tracker(device)(wav, f0_min_hz, f0_max_hz)
            except OutOfMemory:
                LOGGER.warning("out of memory on %s: pitch is found on the CPU", device)
        return detect(wav, f0_min_hz, f0_max_hz)

    @torch.no_grad()
    def content(self, wav: np.ndarray, encoder: Encoder = "large") -> np.ndarray:
        """As Networks.content."""
        with self._memory():
            heard = torch.from_numpy(wav).to(self._device)
            if encoder == "student":
                return encode(self.student, heard, normalise=False).cpu().numpy()  # it guesses normalised content
            return encode(self.encoder, heard, self.config.instance_norm).cpu().numpy()

    def embed_speaker(self, wav: np.ndarray) -> np.ndarray:
        """As Networks.embed_speaker."""
        return embed_speaker(wav)

    @torch.no_grad()
    def generate(self, content: np.ndarray, f0: np.ndarray, loudness: np.ndarray, targets: Sequence[Target]) -> Filters:
        """As Networks.generate."""
        with self._memory():
            step = GeneratorStep(self.generator(targets[0].weights))
            heard = [torch.cat(parts) for parts in zip(*(self._heard(target) for target in targets), strict=True)]
            frames = (torch.from_numpy(x).to(self._device) for x in (content, f0, loudness))
            made = step(*frames, step.no_past(len(targets)), *heard)
            return Filters(*(part.cpu().numpy() for part in made[:3]))

    def _hear(self, target: Target) -> Heard:
        return hear(self.generator(target.weights), target)

    def steps(self, target: Target) -> "TorchSteps":
        """As Networks.steps."""
        student, generator = self.student, self.generator(target.weights)
        if not generator.causal:
            where = str(target.weights or self.weights)
            raise AssetError("is not causal and cannot stream", where, "publish a base with model.causal=true")
        if self._device.type != "cpu":
            student, generator = copy.deepcopy(student).cpu(), copy.deepcopy(generator).cpu()
        return TorchSteps(student, generator, target)

    def forget(self) -> None:
        """As Networks.forget."""
        for cached in (self._generator, self._heard):
            cached.cache_clear()

    def leave_device(self) -> None:
        """As Networks.leave_device."""
        self._device = torch.device("cpu")
        self.encoder = self.encoder.to(self._device)
        self._student.cache_clear()
        self._tracker.cache_clear()
        self.forget()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @contextmanager
    def _memory(self) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError as error:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            raise OutOfMemory(str(error)) from error


@torch.no_grad()
def hear(generator: Generator, target: Target) -> Heard:
    """What Hearing makes of a target, a batch of one on the generator's device."""
    device = generator.prosody.weight.device
    parts = (target.spk_emb, target.ref_content, target.ref_mel)
    return Hearing(generator)(*(torch.from_numpy(part)[None].to(device) for part in parts))


class TorchSteps:
    """autovoice.networks.Steps in torch."""

    def __init__(self, student: StudentEncoder, generator: Generator, target: Target) -> None:
        self._student, self._generator = StudentStep(student), GeneratorStep(generator)
        self._heard = hear(generator, target)
        self._past, self._student_past = self._generator.no_past(1), self._student.no_past(1)

    @torch.no_grad()
    def content(self, wav: np.ndarray) -> np.ndarray:
        """As Steps.content."""
        pairs = torch.from_numpy(np.ascontiguousarray(student_pairs(wav[None])))
        content, *past = self._student(pairs, *self._student_past)
        self._student_past = (past[0], past[1])
        return content[0].numpy()

    @torch.no_grad()
    def filters(self, content: np.ndarray, f0: np.ndarray, loudness: np.ndarray) -> Filters:
        """As Steps.filters."""
        frames = (torch.from_numpy(x)[None] for x in (content, f0, loudness))
        *made, self._past = self._generator(*frames, self._past, *self._heard)
        return Filters(*(part.numpy() for part in made))
