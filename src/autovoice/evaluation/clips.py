"""What a protocol cuts out of people's recordings: sources, and targets whose references and ceilings are disjoint in time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from autovoice.audio.io import load_wav, save_wav
from autovoice.audio.resample import resample
from autovoice.config import AudioConfig
from autovoice.evaluation.people import Person
from autovoice.features import at_level, extract_frames
from autovoice.voice import MIN_SPEECH_S, speech_seconds

CEILING_S, SOURCE_S, UTTERANCE_S = (3.0, 10.0), (2.0, 8.0), (2.0, 15.0)
JUDGED_S = 10.0  # of held-out speech that all lengths of reference are compared with


@dataclass
class Clip:
    """A source: one file. recordings: what it was cut from."""

    path: Path
    person: Person
    recordings: list[Path]
    text: str = ""


@dataclass
class Target:
    """A voice. references: seconds -> files it is cloned from; judged: what results are compared with; ceiling: other speech
    of the same person, none where the references themselves are parted in two."""

    person: Person
    references: dict[float, list[Path]]
    judged: dict[float, list[Path]]
    ceiling: Path | None
    recordings: list[Path]


@dataclass
class Cutter:
    """Cuts people's recordings into files below `out`, at audio.output_rate."""

    out: Path
    audio: AudioConfig

    def speech(self, person: Person, seconds: float) -> tuple[np.ndarray, list[Path]]:
        """The first `seconds` of the person's recordings, joined, (T,) float32; and the recordings that gave them."""
        parts, used, n = [np.zeros(0, np.float32)], [], self._samples(seconds)
        for path in person.paths:
            if sum(map(len, parts)) >= n:
                break
            parts.append(load_wav(path, self.audio.output_rate))
            used.append(path)
        return np.concatenate(parts)[:n], used

    def source(self, person: Person) -> Clip | None:
        """The first 2 to 8 s; None for people with less."""
        wav, used = self.speech(person, SOURCE_S[1])
        if len(wav) < self._samples(SOURCE_S[0]):
            return None
        return Clip(self._save(wav, "source", person.file_name), person, used)

    def utterances(self, people: Sequence[Person]) -> Iterator[Clip]:
        """Single recordings of 2 s and more, everyone's first before anyone's second; cut at 15 s, then without their text."""
        for turn in count():
            others = [person for person in people if turn < len(person.paths)]
            if not others:
                return
            for person in others:
                path = person.paths[turn]
                whole = load_wav(path, self.audio.output_rate)
                wav = whole[: self._samples(UTTERANCE_S[1])]
                if len(wav) >= self._samples(UTTERANCE_S[0]):
                    text = person.texts.get(path, "") if len(wav) == len(whole) else ""
                    yield Clip(self._save(wav, "source", f"{person.file_name}_{turn}"), person, [path], text)

    def target(self, person: Person, seconds: float) -> Target | None:
        """The first `seconds` are the reference, the next 3 to 10 s the ceiling; None for people with less."""
        wav, used = self.speech(person, seconds + CEILING_S[1])
        reference, ceiling = np.split(wav, [self._samples(seconds)])
        if len(ceiling) < self._samples(CEILING_S[0]) or not self._enough([reference]):
            return None
        files = [self._save(reference, "reference", person.file_name)]
        references = {seconds: files}
        return Target(person, references, references, self._save(ceiling, "ceiling", person.file_name), used)

    def halved(self, person: Person, seconds: float) -> Target | None:
        """The first `seconds` in two files are the references, each the ceiling of the other: no other recording is needed."""
        wav, used = self.speech(person, seconds)
        parts = np.array_split(wav, 2)
        if len(wav) < self._samples(seconds) or not self._enough(parts):
            return None
        files = [self._save(part, "reference", f"{person.file_name}_{i}") for i, part in enumerate(parts)]
        return Target(person, {seconds: files}, {seconds: files}, None, used)

    def held_out(self, person: Person, lengths: Iterable[float]) -> Target | None:
        """10 s that all lengths are judged by, 10 s of ceiling, then references of the lengths that there is enough for, each
        the beginning of the next; None where there is enough for none."""
        lengths, held = sorted(lengths), JUDGED_S + CEILING_S[1]
        wav, used = self.speech(person, held + lengths[-1])
        judged, ceiling, rest = np.split(wav, [self._samples(JUDGED_S), self._samples(held)])
        found = [s for s in lengths if len(rest) >= self._samples(s)]
        if not found or not self._enough([rest[: self._samples(found[0])]]):
            return None
        name = person.file_name
        references = {s: [self._save(rest[: self._samples(s)], f"reference_{s:g}s", name)] for s in found}
        files = [self._save(judged, "judged", name)]
        return Target(person, references, dict.fromkeys(found, files), self._save(ceiling, "ceiling", name), used)

    def _samples(self, seconds: float) -> int:
        return int(seconds * self.audio.output_rate)

    def _save(self, wav: np.ndarray, folder: str, name: str) -> Path:
        path = self.out / folder / f"{name}.flac"
        save_wav(path, wav, self.audio.output_rate)
        return path

    def _enough(self, wavs: Sequence[np.ndarray]) -> bool:
        """Whether a voice can be cloned of them: pauses and noise are no speech."""
        rate, found = self.audio.output_rate, 0.0
        for wav in wavs:
            heard = resample(at_level(wav, rate, self.audio), rate, self.audio.sample_rate)
            found += speech_seconds(extract_frames(heard, self.audio), self.audio) if len(heard) else 0.0
        return found >= MIN_SPEECH_S
