"""The protocol `speak`: sentences read by a text-to-speech front-end and spoken in people's voices; the reading is the source, so
that similarity to it says how much of the front-end's own voice is left."""

import time
from pathlib import Path

import numpy as np

from autovoice.audio.io import save_wav
from autovoice.config import PresetConfig
from autovoice.convert import VoiceConverter
from autovoice.errors import DataError
from autovoice.evaluation.clips import Clip
from autovoice.evaluation.conversions import Job, Maker
from autovoice.evaluation.people import Person
from autovoice.speech.speak import normaliser, speak
from autovoice.tts.front_end import FrontEnd
from autovoice.watermark import marked

SENTENCES = Path(__file__).parent.parent / "data" / "sentences.txt"


def read_aloud(front_end: FrontEnd, n: int, out: Path) -> list[Clip]:
    """The first n sentences of data/sentences.txt as the front-end itself reads them, below `out`.

    Raises DataError where there are fewer sentences.
    """
    texts = SENTENCES.read_text(encoding="utf-8").splitlines()
    if n > len(texts):
        raise DataError(f"there are {len(texts)} sentences", f"protocol.n_sources={n}", "ask for fewer")
    reader = Person(front_end.name, "", front_end.languages[0], [])
    clips = []
    for i, text in enumerate(texts[:n]):
        path = out / "source" / f"{reader.file_name}_{i:03d}.flac"
        said = normaliser(front_end.languages[0])(text)
        save_wav(path, front_end.speak(said), front_end.sample_rate)
        clips.append(Clip(path, reader, [], text))
    return clips


class SpeakingMaker(Maker):
    """Makes the files of `speak` by speaking each source's text, as the command does."""

    def __init__(
        self, converter: VoiceConverter, presets: dict[str, PresetConfig], seed: int, front_end: FrontEnd
    ) -> None:
        super().__init__(converter, presets, seed)
        self.front_end = front_end
        self._always |= {"front_end": front_end.name}

    def _write(self, job: Job) -> float:
        started, voice = time.perf_counter(), self._voice(job.trial)
        language, preset = self.front_end.languages[0], self.presets[job.preset]
        spoken = speak(job.trial.source.text, voice, self.front_end, self.converter, preset, language, seed=self.seed)
        wav = np.concatenate([sentence.wav for sentence in spoken])
        wav = marked(wav, self.converter.audio.output_rate, voice.payload)
        used = time.perf_counter() - started
        save_wav(job.out, wav, self.converter.audio.output_rate)
        return used / (len(wav) / self.converter.audio.output_rate)
