"""One phrase after the other in another voice, as loud, as roomy and as placed as the original."""

from dataclasses import dataclass

import numpy as np

from autovoice.analysis import Analysis
from autovoice.audio.resample import resample
from autovoice.audio.windows import array_blocks
from autovoice.config import PresetConfig
from autovoice.convert import VoiceConverter
from autovoice.song.match import balance, gain_to_match
from autovoice.song.phrases import FRAMES_PER_S, Gate, Phrase
from autovoice.song.room import Room
from autovoice.song.stems import Stems
from autovoice.voice import VoiceProfile
from autovoice.watermark import Watermark

CONTEXT_FRAMES = 50  # heard around a phrase, so that its ends are as its middle


@dataclass
class Singer:
    """Sings the phrases of one song."""

    stems: Stems
    analysis: Analysis  # of the whole vocal stem
    phrases: list[Phrase]
    gate: Gate
    converter: VoiceConverter
    voice: VoiceProfile
    preset: PresetConfig
    room: Room | None = None
    seed: int = 0
    watermark: bool = True

    def place(self, phrase: Phrase) -> tuple[int, int]:
        """A phrase's first sample in the song, and how many it has."""
        start, stop = (round(f * self.stems.sample_rate / FRAMES_PER_S) for f in (phrase.start, phrase.stop))
        return start, min(stop, self.stems.n_samples) - start

    def sing(self, phrase: Phrase) -> np.ndarray:
        """(n, channels) float32: the converted phrase, silent where the original is."""
        start, n = self.place(phrase)
        gate, rate = self.gate.at(start, n), self.stems.sample_rate
        original = self.stems.vocal(start, n) * gate[:, None]
        sides = balance(original)
        vocal = self._converted(phrase, start, n)
        if self.room:
            vocal = self.room.added(vocal, rate)
        vocal *= gate
        vocal *= gain_to_match(original, vocal[:, None] * sides, rate)
        return self._finished(vocal, start)[:, None] * sides

    def _finished(self, vocal: np.ndarray, start: int) -> np.ndarray:
        """The last thing done to a converted phrase (n,) that begins at sample `start`: the mark, which silence does not get."""
        if not self.watermark:
            return vocal
        mark = Watermark(self.stems.sample_rate, self.voice.payload, start=start)
        return np.concatenate([mark.push(vocal), mark.finish()])

    def _converted(self, phrase: Phrase, start: int, n: int) -> np.ndarray:
        """(n,) at the song's rate: what the converter makes of the phrase, hearing half a second around it too."""
        audio, rate = self.converter.audio, self.stems.sample_rate
        first = max(0, phrase.start - CONTEXT_FRAMES) // 2 * 2  # a content frame is two of these
        begin = round(first * rate / FRAMES_PER_S)
        end = min(self.stems.n_samples, start + n + CONTEXT_FRAMES * rate // FRAMES_PER_S)
        heard = self.stems.vocal(begin, end - begin).mean(1) * self.gate.at(begin, end - begin)
        wav = resample(heard, rate, audio.sample_rate)
        part = self.analysis.part(first, first - (-len(wav) // audio.hop_length), len(wav))
        blocks = array_blocks(wav, audio.sample_rate)()
        made = np.concatenate(
            list(self.converter.stream(blocks, part, self.voice, self.preset, (self.seed + first) % 2**32))
        )
        made = resample(made, audio.output_rate, rate)[start - begin :][:n]
        return np.pad(made, (0, n - len(made))).astype(np.float32)
