"""Conversion: the one door to the model for the command line, the stages, evaluation and serving."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from autovoice.analysis import Analysis, analyse
from autovoice.audio.bandwidth import limit_band
from autovoice.audio.excitation import breath_noise, harmonic_excitation
from autovoice.audio.io import StreamWriter, stream_blocks
from autovoice.audio.loudness import silence_gate
from autovoice.audio.resample import resample
from autovoice.audio.windows import Window, array_blocks, overlapping_windows
from autovoice.bundle import load_graphs
from autovoice.config import AudioConfig, ContentConfig, ModelConfig, PresetConfig
from autovoice.errors import AutovoiceError
from autovoice.guidance import CONSTANT_FRAMES, MIN_VOICED, Guidance, source_voice
from autovoice.mapping import content_map
from autovoice.networks import Networks, OutOfMemory
from autovoice.retrieval import retrieve
from autovoice.sharpening import sharpened
from autovoice.spans import stage, staged
from autovoice.synthesis import synthesise
from autovoice.voice import VoiceProfile, load_networks
from autovoice.watermark import marked_blocks
from autovoice.weights import BASE_GENERATOR

Pitch = float | Literal["auto"]
MAX_ABS_SHIFT_ST = 36.0
OUTPUT_PEAK = 0.99
CONTENT_CORE_S, CONTENT_CONTEXT_S = 24.0, 2.0  # the content encoder hears at most 30 s at once
MIN_CHUNK_S = 3.0  # of the generator, before the device is given up
LOGGER = logging.getLogger(__name__)
MIN_FRAMES = 8  # the spectra of anything shorter have no frame


@dataclass
class ConversionStats:
    """What a conversion took; rtf = seconds_used / duration_s; shift_st in semitones."""

    duration_s: float
    seconds_used: float
    rtf: float
    shift_st: float


@dataclass(frozen=True)
class Frames:
    """A stretch of n content frames: f0, loudness (2 n,), excitation and noise (2 n * output_hop,)."""

    f0: np.ndarray
    loudness: np.ndarray
    excitation: np.ndarray
    noise: np.ndarray


@dataclass
class Wish:
    """How a source is to be spoken; guidance, away from its own voice, and map, (D, D), once its first window has shown them."""

    voice: VoiceProfile
    preset: PresetConfig
    guidance: Guidance | None = None
    map: np.ndarray | None = None


class VoiceConverter:
    """Converts recordings into voices. Keep one: it holds the networks."""

    def __init__(
        self,
        device: str = "auto",
        weights: Path = BASE_GENERATOR,
        model: ModelConfig | None = None,
        audio: AudioConfig | None = None,
        content: ContentConfig | None = None,
        networks: Networks | None = None,
    ) -> None:
        """networks: those of an exported bundle, say; torch's of the other arguments if None."""
        self.networks = networks or load_networks(device, weights, model, audio, content)
        self.audio, self.content, self.weights = self.networks.audio, self.networks.config, self.networks.weights
        self._chunk_limit_s = math.inf

    @classmethod
    def from_bundle(cls, folder: Path, device: str = "auto") -> "VoiceConverter":
        """That of an exported bundle, without torch; device also tensorrt. Raises DataError for a bundle that was changed."""
        return cls(networks=load_graphs(folder, device))

    @property
    def device(self) -> str:
        """cpu, cuda or cuda:N: what computes now."""
        return self.networks.device

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
        analysis = analyse(blocks(), voice, self.audio, pitch, self.networks.pitch)
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
        read = staged("read", stream_blocks(source, rate, 10.0))
        analysis = analyse(read, voice, self.audio, pitch, self.networks.pitch)
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
        wish = Wish(voice, preset)
        for window in overlapping_windows(blocks, core, context):
            while True:
                try:
                    part = self._convert_window(window, analysis, wish, seed)
                    break
                except OutOfMemory:
                    self._need_less_memory(preset)
            yield part

    def _need_less_memory(self, preset: PresetConfig) -> None:
        """Halves the generator's chunks; once they are short, leaves the device for the CPU."""
        at_once_s = min(self._chunk_limit_s, preset.chunk_s)
        if at_once_s > MIN_CHUNK_S:
            self._chunk_limit_s = at_once_s / 2
            LOGGER.warning("out of memory on %s: going on in chunks of %.1f s", self.device, self._chunk_limit_s)
        elif self.device != "cpu":
            LOGGER.warning("out of memory on %s: going on on the CPU", self.device)
            self.networks.leave_device()
            self._chunk_limit_s = math.inf
        else:
            raise AutovoiceError("not enough memory", "convert", "close other programs")

    @stage("frames")
    def _convert_window(self, window: Window, analysis: Analysis, wish: Wish, seed: int) -> np.ndarray:
        hop, preset, voice = self.audio.hop_length, wish.preset, wish.voice
        wav = (window.wav * analysis.gain).astype(np.float32)
        n_frames = max(MIN_FRAMES, -(-len(wav) // (2 * hop)) * 2)
        padded = np.pad(wav, (0, n_frames * hop - len(wav)))
        first = window.start // hop
        inputs = analysis.frames(first, n_frames)
        geometry = (self.audio.output_hop, self.audio.output_rate, float(inputs["phase"][0]))
        excitation = harmonic_excitation(inputs["f0_filled"], inputs["f0"] > 0, *geometry)
        noise = breath_noise(len(excitation), np.random.default_rng(seed + first))
        frames = Frames(inputs["f0"], inputs["loudness"], excitation, noise)
        said = self._said(padded, preset)
        if window.start == 0:
            wish.map = self._map(said, frames.f0, wish)
            wish.guidance = self._guidance(padded, said, frames.f0, wish)
        spoken = self._speak(said, frames, wish)
        if preset.feedback or preset.voice_feedback:
            said, voice = self._corrected(said, spoken, frames.f0, voice, preset)
            spoken = self._speak(said, frames, replace(wish, voice=voice))
        if voice.adapted:  # above what its recordings hold an adapted generator was taught nothing
            spoken = limit_band(spoken, max(voice.band_hz, self.audio.sample_rate / 2), self.audio.output_rate)
        out = spoken * silence_gate(inputs["loudness"], self.audio.output_hop) / analysis.gain
        core = slice(self.spoken(window.lead), self.spoken(window.lead + window.n_core))
        return np.clip(out[core], -OUTPUT_PEAK, OUTPUT_PEAK).astype(np.float32)

    @stage("content")
    def _said(self, wav: np.ndarray, preset: PresetConfig) -> np.ndarray:
        """wav (n,) at audio.sample_rate -> its content (n // 320, D)."""
        return self.networks.content(wav[None], "student" if preset.encoder == "student" else "large")[0]

    def _map(self, said: np.ndarray, f0: np.ndarray, wish: Wish) -> np.ndarray | None:
        """Of the source's first seconds; None where the preset has none, they have too little voice, or weights are adapted."""
        preset, n = wish.preset, int(wish.preset.reference_s * 50)
        if not preset.mapping or wish.voice.adapted or (f0[: 2 * n] > 0).sum() < MIN_VOICED:
            return None
        return content_map(said[:n], wish.voice.ref_content.astype(np.float32), f0[: 2 * n : 2] > 0)

    def _guidance(self, wav: np.ndarray, said: np.ndarray, f0: np.ndarray, wish: Wish) -> Guidance | None:
        """None where the preset has none or nobody is recognised; adapted weights leave the source by themselves."""
        share, seconds = wish.preset.guidance, wish.preset.reference_s
        if not share or wish.voice.adapted:
            return None
        own = source_voice(self.networks, wav, said, f0, seconds)
        return Guidance(own, share) if own else None

    def _corrected(
        self, said: np.ndarray, spoken: np.ndarray, f0: np.ndarray, voice: VoiceProfile, preset: PresetConfig
    ) -> tuple[np.ndarray, VoiceProfile]:
        """Content and voice for a second pass: each with a share more of what the first one, spoken (T,), fell short by."""
        heard = resample(spoken, self.audio.output_rate, self.audio.sample_rate)
        if preset.feedback:
            said = said + np.float32(preset.feedback) * (said - self._said(heard, preset))
        if preset.voice_feedback and (f0 > 0).sum() >= MIN_VOICED:
            missing = voice.spk_emb - self.networks.embed_speaker(heard)
            spk_emb = voice.spk_emb + preset.voice_feedback * missing
            voice = replace(voice, spk_emb=(spk_emb / np.linalg.norm(spk_emb)).astype(np.float32))
        return said, voice

    def _speak(self, content: np.ndarray, frames: Frames, wish: Wish) -> np.ndarray:
        """content (n, D) and its frames -> wav (2 n * output_hop,).

        Made chunk_s at a time; context_s on either side is more than the generator sees, so that chunks join.
        """
        voice, preset = wish.voice, wish.preset
        if wish.map is not None:
            content = content + np.float32(preset.mapping) * (content @ wish.map)
        else:
            with stage("retrieval"):
                index, voiced = voice.ref_content.astype(np.float32), frames.f0[::2] > 0
                content = retrieve(content, index, voiced, preset.retrieval, preset.retrieval_k)
        n, per_frame = len(content), 2 * self.audio.output_hop
        size, context = (max(1, round(s * 50)) for s in (min(preset.chunk_s, self._chunk_limit_s), preset.context_s))
        parts = []
        for start in range(0, n, size):
            a, end = max(0, start - context), min(n, start + size)
            b = min(n, max(start + size + context, CONSTANT_FRAMES // 2))
            part = self._generate(content, frames, slice(a, b), wish)
            parts.append(part[(start - a) * per_frame : (end - a) * per_frame])
        return np.concatenate(parts)

    def _generate(self, content: np.ndarray, frames: Frames, part: slice, wish: Wish) -> np.ndarray:
        """The part's content frames -> their wav, without a view of what lies around them."""
        at_10_ms, samples = (slice(part.start * k, part.stop * k) for k in (2, 2 * self.audio.output_hop))
        said = (content[None, part], frames.f0[None, at_10_ms], frames.loudness[None, at_10_ms])
        with stage("generator"):
            filters = self.networks.generate(*said, [wish.voice.target(wish.preset.reference_s)])
            if wish.guidance:
                own = self.networks.generate(*said, [wish.guidance.own])
                filters = wish.guidance.lead(filters, own, said[1] > 0)
            filters = sharpened(filters, said[1] > 0, wish.preset.sharpening, self.audio.output_rate)
        with stage("synthesis"):
            source = (frames.excitation[None, samples], frames.noise[None, samples])
            return synthesise(filters, *source, self.audio)[0]
