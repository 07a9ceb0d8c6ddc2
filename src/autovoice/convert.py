"""Conversion: the one door to the model for the command line, the stages, evaluation and serving."""

import hashlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from autovoice.analysis import Analysis, analyse
from autovoice.audio.bandwidth import limit_band
from autovoice.audio.io import StreamWriter, stream_blocks
from autovoice.audio.loudness import silence_gate
from autovoice.audio.windows import Window, array_blocks, overlapping_windows
from autovoice.config import AudioConfig, ContentConfig, ModelConfig, PresetConfig
from autovoice.errors import AutovoiceError
from autovoice.models.content import encode, load_content_encoder, load_student
from autovoice.models.excitation import harmonic_excitation
from autovoice.models.generator import Generator
from autovoice.models.speaker import embed_speaker
from autovoice.retrieval import retrieve
from autovoice.spans import stage, staged
from autovoice.torchaudio_compat import torchaudio
from autovoice.voice import VoiceProfile
from autovoice.watermark import marked_blocks
from autovoice.weights import BASE_GENERATOR, load_generator_state

Pitch = float | Literal["auto"]
MAX_ABS_SHIFT_ST = 36.0
OUTPUT_PEAK = 0.99
CONTENT_CORE_S, CONTENT_CONTEXT_S = 24.0, 2.0  # the content encoder hears at most 30 s at once
MIN_CHUNK_S = 3.0  # of the generator, before the device is given up
LOGGER = logging.getLogger(__name__)
N_HEARD = 4  # voices whose reference is kept as the generator hears it
MIN_FRAMES = 8  # the spectra of anything shorter have no frame
MIN_HEARD_FRAMES = 80  # voiced ones, without which nobody can be recognised


@dataclass
class ConversionStats:
    """What a conversion took; rtf = seconds_used / duration_s; shift_st in semitones."""

    duration_s: float
    seconds_used: float
    rtf: float
    shift_st: float


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


class VoiceConverter:
    """Converts recordings into voices. Keep one: it holds the content encoder, and the generators last used."""

    def __init__(
        self,
        device: str = "auto",
        weights: Path = BASE_GENERATOR,
        model: ModelConfig | None = None,
        audio: AudioConfig | None = None,
        content: ContentConfig | None = None,
    ) -> None:
        self.device = pick_device(device)
        self.audio, self.content = audio or AudioConfig(), content or ContentConfig()
        self.model, self.weights = model, weights
        self.encoder = load_content_encoder(self.content).to(self.device)
        self._chunk_limit_s = math.inf
        self._generator = lru_cache(maxsize=4)(self._load_generator)
        self._student = lru_cache(maxsize=1)(self._load_student)
        self._voices_heard: dict[tuple[nn.Module, bytes], Any] = {}

    def _load_generator(self, weights: Path, mtime_ns: int) -> nn.Module:
        model, state = load_generator_state(weights, self.audio, self.model)
        generator = Generator(model, self.audio, self.content)
        generator.load_state_dict(state)
        return generator.to(self.device).eval().requires_grad_(False)

    def _load_student(self) -> nn.Module:
        return load_student(self.content).to(self.device)

    def generator_of(self, voice: VoiceProfile) -> nn.Module:
        """The voice's own generator where it was adapted, else the base."""
        weights = voice.adapted or self.weights
        return self._generator(weights, weights.stat().st_mtime_ns)

    def spoken(self, n_samples: int) -> int:
        """Samples of output that n_samples of input become."""
        return n_samples * self.audio.output_rate // self.audio.sample_rate

    def convert(
        self, wav: np.ndarray, voice: VoiceProfile, preset: PresetConfig, pitch: Pitch = "auto", seed: int = 0
    ) -> np.ndarray:
        """wav: mono at audio.sample_rate (T,) float32 in [-1, 1] -> float32 at audio.output_rate, as long, in `voice`.

        Without a watermark: who joins such pieces marks the whole (autovoice.watermark).
        """
        blocks = array_blocks(wav, self.audio.sample_rate)
        analysis = analyse(blocks(), voice, self.audio, pitch)
        parts = list(self.stream(blocks(), analysis, voice, preset, seed))
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def convert_file(
        self,
        source: Path,
        target: Path,
        voice: VoiceProfile,
        preset: PresetConfig,
        pitch: Pitch = "auto",
        seed: int = 0,
        on_progress: Callable[[float], None] | None = None,
        watermark: bool = True,
        tags: Mapping[str, str] | None = None,
    ) -> ConversionStats:
        """Converts file to file in constant memory, reading the source twice; target is written whole or not at all.

        watermark: with the voice's consent id as its payload; tags: as StreamWriter's.
        """
        started, rate = time.perf_counter(), self.audio.sample_rate
        analysis = analyse(staged("read", stream_blocks(source, rate, 10.0)), voice, self.audio, pitch)
        parts = self.stream(staged("read", stream_blocks(source, rate, 10.0)), analysis, voice, preset, seed)
        if watermark:
            parts = staged("watermark", marked_blocks(parts, self.audio.output_rate, voice.payload))
        with StreamWriter(target, self.audio.output_rate, tags=tags) as writer:
            done = 0
            for part in parts:
                with stage("write"):
                    writer.write(part)
                done += len(part)
                if on_progress:
                    on_progress(done / max(1, self.spoken(analysis.n_samples)))
        used, duration_s = time.perf_counter() - started, analysis.n_samples / rate
        return ConversionStats(duration_s, used, used / max(duration_s, 1e-9), analysis.shift_st)

    def stream(
        self, blocks: Iterator[np.ndarray], analysis: Analysis, voice: VoiceProfile, preset: PresetConfig, seed: int = 0
    ) -> Iterator[np.ndarray]:
        """Blocks of mono at audio.sample_rate in, the same time at audio.output_rate out, window by window."""
        frame = 2 * self.audio.hop_length
        core, context = (int(s * self.audio.sample_rate) // frame * frame for s in (CONTENT_CORE_S, CONTENT_CONTEXT_S))
        for window in overlapping_windows(blocks, core, context):
            while True:
                try:
                    part = self._convert_window(window, analysis, voice, preset, seed)
                    break
                except torch.OutOfMemoryError:
                    self._need_less_memory(preset)
            yield part

    def _need_less_memory(self, preset: PresetConfig) -> None:
        """Halves the generator's chunks; once they are short, leaves the device for the CPU."""
        at_once_s = min(self._chunk_limit_s, preset.chunk_s)
        if at_once_s > MIN_CHUNK_S:
            self._chunk_limit_s = at_once_s / 2
            LOGGER.warning("out of memory on %s: going on in chunks of %.1f s", self.device, self._chunk_limit_s)
        elif self.device.type != "cpu":
            LOGGER.warning("out of memory on %s: going on on the CPU", self.device)
            self.device, self._chunk_limit_s = torch.device("cpu"), math.inf
            self.encoder = self.encoder.to(self.device)
            self._generator.cache_clear()
            self._student.cache_clear()
            self._voices_heard = {}
        else:
            raise AutovoiceError("not enough memory", "convert", "close other programs")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @stage("frames")
    @torch.no_grad()
    def _convert_window(
        self, window: Window, analysis: Analysis, voice: VoiceProfile, preset: PresetConfig, seed: int
    ) -> np.ndarray:
        hop = self.audio.hop_length
        wav = (window.wav * analysis.gain).astype(np.float32)
        n_frames = max(MIN_FRAMES, -(-len(wav) // (2 * hop)) * 2)
        padded = np.pad(wav, (0, n_frames * hop - len(wav)))
        first = window.start // hop
        inputs = analysis.frames(first, n_frames)
        f0, filled = (torch.from_numpy(inputs[name])[None].to(self.device) for name in ("f0", "f0_filled"))
        loudness = torch.from_numpy(inputs["loudness"])[None].to(self.device)
        phase = torch.from_numpy(inputs["phase"][:1]).to(self.device)
        excitation = harmonic_excitation(filled, f0 > 0, self.audio.output_hop, self.audio.output_rate, phase)
        noise = torch.randn(excitation.shape, generator=torch.Generator().manual_seed(seed + first)) * 0.1
        frames = (f0, loudness, excitation, noise.to(self.device))
        said = self._said(torch.from_numpy(padded)[None].to(self.device), preset)
        spoken = self._speak(said, voice, frames, preset)
        if preset.feedback or preset.voice_feedback:
            spoken = self._speak(*self._corrected(said, spoken, frames[0], voice, preset), frames, preset)
        if voice.adapted:  # above what its recordings hold an adapted generator was taught nothing
            band_hz = torch.tensor([max(voice.band_hz, self.audio.sample_rate / 2)], device=self.device)
            spoken = limit_band(spoken[None], band_hz, self.audio.output_rate)[0]
        out = spoken.cpu().numpy()
        out = out * silence_gate(inputs["loudness"], self.audio.output_hop) / analysis.gain
        core = slice(self.spoken(window.lead), self.spoken(window.lead + window.n_core))
        return np.clip(out[core], -OUTPUT_PEAK, OUTPUT_PEAK).astype(np.float32)

    @stage("content")
    def _said(self, wav: Tensor, preset: PresetConfig) -> Tensor:
        """wav (1, n) at audio.sample_rate -> its content (1, n // 320, D)."""
        if preset.encoder == "student":
            return encode(self._student(), wav, normalise=False)  # it guesses normalised content
        return encode(self.encoder, wav, self.content.instance_norm)

    def _corrected(
        self, said: Tensor, spoken: Tensor, f0: Tensor, voice: VoiceProfile, preset: PresetConfig
    ) -> tuple[Tensor, VoiceProfile]:
        """Content and voice for a second pass: each with a share more of what the first one, spoken (T,), fell short by."""
        heard = torchaudio.functional.resample(spoken[None], self.audio.output_rate, self.audio.sample_rate)
        if preset.feedback:
            said = said + preset.feedback * (said - self._said(heard, preset))
        if preset.voice_feedback and (f0 > 0).sum() >= MIN_HEARD_FRAMES:
            missing = voice.spk_emb - embed_speaker(heard[0].cpu().numpy())
            spk_emb = voice.spk_emb + preset.voice_feedback * missing
            voice = replace(voice, spk_emb=spk_emb / np.linalg.norm(spk_emb))
        return said, voice

    def _speak(self, content: Tensor, voice: VoiceProfile, frames: tuple[Tensor, ...], preset: PresetConfig) -> Tensor:
        """content (1, T, D) and frames as _in_chunks takes them -> wav (2 T * hop,) at audio.output_rate."""
        index, voiced = voice.ref_content.float().to(self.device), frames[0][:, ::2] > 0
        content = retrieve(content, index, voiced, preset.retrieval, preset.retrieval_k)
        return self._in_chunks((content, *frames), voice, preset)

    def _in_chunks(self, frames: tuple[Tensor, ...], voice: VoiceProfile, preset: PresetConfig) -> Tensor:
        """frames: content (1, T, D), f0, loudness (1, 2 T), excitation, noise (1, 2 T * hop) -> wav (2 T * hop,).

        Made chunk_s at a time; context_s on either side is more than the generator sees, so that chunks join.
        """
        n, per_frame = frames[0].shape[1], (1, 2, 2, *[2 * self.audio.output_hop] * 2)
        size, context = (max(1, round(s * 50)) for s in (min(preset.chunk_s, self._chunk_limit_s), preset.context_s))
        parts = []
        for start in range(0, n, size):
            a, b, end = max(0, start - context), min(n, start + size + context), min(n, start + size)
            cut = tuple(x[:, a * k : b * k] for x, k in zip(frames, per_frame, strict=True))
            parts.append(self._generate(cut, voice, preset)[(start - a) * per_frame[-1] : (end - a) * per_frame[-1]])
        return torch.cat(parts)

    @stage("generator")
    def _generate(self, frames: tuple[Tensor, ...], voice: VoiceProfile, preset: PresetConfig) -> Tensor:
        """The generator's forward pass over a chunk (1, t, ...) of _in_chunks."""
        return self.generator_of(voice).speak(*frames, *self._heard(voice, preset))[0]  # type: ignore[operator]

    def _heard(self, voice: VoiceProfile, preset: PresetConfig) -> Any:
        """What the generator makes of a voice, kept for the next chunks and sentences in it."""
        generator, size = self.generator_of(voice), max(1, int(preset.reference_s * 50))
        parts = (torch.from_numpy(voice.spk_emb), voice.ref_content[:size].float(), voice.ref_mel[:size].float())
        key = (generator, hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).digest())
        heard = self._voices_heard.get(key)
        if heard is None:
            heard = generator.hear(*(part[None].to(self.device) for part in parts))  # type: ignore[operator]
            self._voices_heard = dict([*self._voices_heard.items(), (key, heard)][-N_HEARD:])
        return heard
