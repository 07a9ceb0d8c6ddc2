"""The model behind the server: the one place that knows which converter, readers and separators it is made of."""

import threading
import time
from dataclasses import asdict
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from autovoice.audio.io import StreamWriter, load_wav
from autovoice.bundle import load_graphs
from autovoice.config import Config
from autovoice.convert import ConversionStats, VoiceConverter
from autovoice.errors import DataError
from autovoice.export.own import own_bundle, own_graphs
from autovoice.files import sha256_file
from autovoice.gpu import computes_in_torch
from autovoice.graphs import Graphs
from autovoice.live import LiveConverter
from autovoice.networks import Networks
from autovoice.provenance import provenance_of
from autovoice.serving.batching import Batched
from autovoice.voice import Progress, VoiceProfile, clone_voice
from autovoice.watermark import marked_blocks

ABOUT = {
    "fast": "hears through the small causal encoder; the fastest, and the one that can stream",
    "balanced": "hears through the large encoder and borrows half of the sound from the voice's own frames",
    "quality": "as balanced, and corrects the voice in a second pass; half as fast",
}
LANGUAGES = {"hibari": ["en"], "kokoro": ["en"]}  # of others the front-end itself is asked


class Engine:
    """Loaded once; conversions may run in several threads."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.load_s = 0.0
        self._converter: VoiceConverter | None = None
        self._live: Networks | None = None  # of streams, which compute on the CPU
        self._cloning = threading.Lock()

    def load(self) -> None:
        """Loads the models, so that the first request waits no longer than the others."""
        started = time.perf_counter()
        settings = self.config.serve
        in_torch = not settings.bundle and computes_in_torch(settings.device)
        graphs = self._graphs("cpu" if in_torch else settings.device)
        if graphs is None or in_torch:
            converter = VoiceConverter(settings.device, audio=self.config.audio, content=self.config.content)
        else:
            converter = VoiceConverter(networks=graphs)
        self._live = graphs or converter.networks
        if settings.batch > 1:
            converter.networks = Batched(converter.networks, settings.batch)
        self._converter = converter
        self.load_s = time.perf_counter() - started

    def _graphs(self, device: str) -> Graphs | None:
        """Of the bundle that is named, else of one that is made of this installation, where one can be."""
        settings, audio, content = self.config.serve, self.config.audio, self.config.content
        if settings.bundle:
            return load_graphs(Path(settings.bundle), device)
        if (own := own_bundle(audio, content)) is None:
            return None
        graphs = load_graphs(own, device)
        graphs.make = lambda weights: own_graphs(weights, audio, content)
        return graphs

    def forget(self) -> None:
        """Lets go of what is kept of voices in memory."""
        if self._converter is not None:
            self._converter.networks.forget()
        if self._live is not None:
            self._live.forget()

    @property
    def ready(self) -> bool:
        """Whether conversions can begin."""
        return self._converter is not None

    @property
    def converter(self) -> VoiceConverter:
        """The loaded converter."""
        assert self._converter is not None, "load first"
        return self._converter

    @property
    def at_once(self) -> int:
        """How many short conversions a worker makes together."""
        return self.config.serve.batch

    @cached_property
    def weights_sha256(self) -> str:
        """Of the base generator."""
        return sha256_file(self.converter.weights)

    @cached_property
    def abilities(self) -> dict[str, bool]:
        """What this installation can do beyond conversion."""
        return {
            "speech": find_spec("hibari" if self.config.tts.name == "hibari" else "onnxruntime") is not None,
            "songs": find_spec("torch") is not None,
            "evaluate": all(find_spec(name) for name in ("faster_whisper", "jiwer", "speechmos", "resemblyzer")),
        }

    def clone(self, name: str, paths: list[Path], consent: str) -> VoiceProfile:
        """A profile from recordings; raises DataError under 3 s of speech. One at a time: it takes all cores."""
        with self._cloning:
            wavs = [load_wav(path, self.config.audio.output_rate) for path in paths]
            return clone_voice(name, wavs, consent, networks=self.converter.networks)

    def convert(
        self, source: Path, target: Path, voice: VoiceProfile, preset: str, pitch: Any, seed: int, on_progress: Progress
    ) -> ConversionStats:
        """As `autovoice convert`: watermarked, with its provenance inside and beside it."""
        record = provenance_of(voice, self.converter.weights, preset, True)
        how = (self.config.presets[preset], pitch, seed, on_progress, True, record.tags())
        stats = self.converter.convert_file(source, target, voice, *how)
        record.write_beside(target)
        return stats

    def sing(
        self,
        source: Path,
        target: Path,
        voice: VoiceProfile,
        preset: str,
        options: dict[str, Any],
        on_progress: Progress,
    ) -> dict[str, Any]:
        """As `autovoice sing`; options: pitch, seed, keep_stems -> SongStats as a dictionary."""
        from autovoice.song.convert import SongOptions, convert_song

        record = provenance_of(voice, self.converter.weights, preset, True)
        how = SongOptions(**options, tags=record.tags())
        models = (voice, self.converter, self.config.presets[preset], self.config.song)
        stats = convert_song(source, target, *models, how, on_progress)
        record.write_beside(target)
        return asdict(stats)

    def speak(
        self, text: str, target: Path, voice: VoiceProfile, preset: str, options: dict[str, Any], on_progress: Progress
    ) -> float:
        """As `autovoice speak`; options: lang, speed, seed -> seconds of speech."""
        from autovoice.speech.speak import speak

        how = (self.config.presets[preset], options["lang"], options["speed"], options["seed"])
        spoken = speak(text, voice, self._front_end, self.converter, *how)
        record, rate, n = provenance_of(voice, self.converter.weights, preset, True), self.config.audio.output_rate, 0

        def wavs() -> Any:
            for sentence in spoken:
                on_progress(sentence.share)
                yield sentence.wav

        with StreamWriter(target, rate, tags=record.tags()) as writer:
            for block in marked_blocks(wavs(), rate, voice.payload):
                writer.write(block)
                n += len(block)
            if not n:
                raise DataError("holds nothing that can be read aloud", "text", "check its language")
        record.write_beside(target)
        return n / rate

    def live(self, voice: VoiceProfile, shift_st: float | None) -> LiveConverter:
        """A stream into a voice, on the CPU; shift_st: None follows the speaker."""
        fast = self.config.presets["fast"]
        assert self._live is not None, "load first"
        return LiveConverter(self._live, voice, shift_st, fast.reference_s, fast.sharpening)

    @cached_property
    def languages(self) -> list[str]:
        """What can be spoken."""
        if not self.abilities["speech"]:
            return []
        if self.config.tts.name in LANGUAGES:
            return LANGUAGES[self.config.tts.name]
        return list(self._front_end.languages)

    @cached_property
    def _front_end(self) -> Any:
        from autovoice.tts.front_end import load_front_end

        return load_front_end(self.config.tts)

    def pitch_of(self, path: Path) -> list[float]:
        """f0 of a recording in Hz every 10 ms, 0 = unvoiced."""
        from autovoice.audio.f0 import extract_f0

        audio = self.config.audio
        wav = load_wav(path, audio.sample_rate)
        f0 = extract_f0(wav, audio.hop_length, len(wav) // audio.hop_length, audio.f0_min_hz, audio.f0_max_hz)
        return np.round(f0, 1).astype(float).tolist()
