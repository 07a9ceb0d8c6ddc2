"""Vocal and accompaniment of a song in temporary files, both at the song's rate, read at any place; memory stays constant."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from autovoice.audio.decode import Recording, open_recording
from autovoice.errors import AudioError
from autovoice.separation import SAMPLE_RATE, Separator

SAME_LENGTH_S = 0.02
Progress = Callable[[float], None]


@dataclass
class Stems:
    """vocals and rest: open files (T, channels) at sample_rate; rest is the song itself where mixed, else the accompaniment.

    vocal_db: energy of the vocal against the song's; width_db: of its difference of channels against their sum.
    """

    sample_rate: int
    channels: int
    n_samples: int
    vocals: sf.SoundFile
    rest: sf.SoundFile
    mixed: bool
    vocal_db: float = 0.0
    width_db: float = 0.0
    warnings: list[str] = field(default_factory=list)

    def vocal(self, start: int, n: int) -> np.ndarray:
        """(n, channels) from sample `start`; zeros past the end."""
        return _read(self.vocals, start, n)

    def accompaniment(self, start: int, n: int, gate: np.ndarray) -> np.ndarray:
        """(n, channels): the song without the vocal where gate (n,) is 1, as it is where gate is 0."""
        rest = _read(self.rest, start, n)
        return rest - gate[:, None] * self.vocal(start, n) if self.mixed else rest

    def vocal_blocks(self, rate: int, block_s: float = 10.0) -> Iterator[np.ndarray]:
        """The vocal, mono at `rate`, block by block."""
        size = int(block_s * self.sample_rate)
        blocks = (self.vocal(i, min(size, self.n_samples - i)) for i in range(0, self.n_samples, size))
        return (block.mean(1) for block in resampled(blocks, self.sample_rate, rate))


def separated(
    song: Path, separator: Separator, folder: Path, stack: ExitStack, on_progress: Progress = lambda share: None
) -> Stems:
    """Separates a song into files in `folder` that stay open until `stack` closes; raises AudioError as load_wav."""
    recording = _open(song, stack)
    rate, channels = recording.sample_rate, recording.channels
    rest, vocals = (_file(folder / f"{name}.w64", rate, channels, stack) for name in ("song", "vocals"))
    blocks = (_stereo(block) for block in _stored(recording.blocks, rest))
    vocal = separator.vocals(resampled(blocks, rate, SAMPLE_RATE))
    for block in resampled(vocal, SAMPLE_RATE, rate):
        _write(vocals, block if channels == 2 else block.mean(1, keepdims=True))
        on_progress(min(1.0, len(vocals) / max(1.0, recording.promised_s * rate)))
    return _stems(song, rest, vocals, True)


def given(vocals: Path, other: Path, mixed: bool, folder: Path, stack: ExitStack) -> Stems:
    """Stems that a person has: the vocal, and the accompaniment or (mixed) the song, whose rate and channels they get."""
    recording = _open(other, stack)
    rate, channels = recording.sample_rate, recording.channels
    rest, voice = (_file(folder / f"{name}.w64", rate, channels, stack) for name in ("song", "vocals"))
    for _ in _stored(recording.blocks, rest):
        pass
    sung = _open(vocals, stack)
    for block in resampled(sung.blocks, sung.sample_rate, rate):
        _write(voice, _stereo(block) if channels == 2 else block.mean(1, keepdims=True))
    stems = _stems(vocals, rest, voice, mixed)
    lengths_s = [len(file) / rate for file in (voice, rest)]
    if abs(lengths_s[0] - lengths_s[1]) > SAME_LENGTH_S:
        what = "song" if mixed else "accompaniment"
        stems.warnings.append(
            f"the vocal has {lengths_s[0]:.2f} s, the {what} {lengths_s[1]:.2f} s: the shorter is followed by silence"
        )
    return stems


def resampled(blocks: Iterable[np.ndarray], old_rate: int, new_rate: int) -> Iterator[np.ndarray]:
    """Blocks (n, channels) at old_rate -> blocks at new_rate without delay, as long to within a sample."""
    if old_rate == new_rate:
        yield from blocks
        return
    resampler = None
    for block in blocks:
        resampler = resampler or soxr.ResampleStream(old_rate, new_rate, block.shape[1], dtype="float32")
        yield resampler.resample_chunk(np.ascontiguousarray(block, np.float32))
    if resampler:
        yield resampler.resample_chunk(np.zeros((0, block.shape[1]), np.float32), last=True)


def with_rest(stems: Stems, blocks: Iterable[np.ndarray], path: Path, stack: ExitStack) -> Stems:
    """The stems with another accompaniment, kept in a file at `path`."""
    rest = _file(path, stems.sample_rate, stems.channels, stack)
    for block in blocks:
        _write(rest, block)
    return replace(stems, rest=rest, mixed=False)


def _stems(where: Path, rest: sf.SoundFile, vocals: sf.SoundFile, mixed: bool) -> Stems:
    """Measures the open files; raises AudioError where the song holds nothing."""
    n_samples = max(len(rest), len(vocals)) if not mixed else len(rest)
    if not n_samples or not len(vocals):
        raise AudioError("holds no audio", str(where), "record or export it again")
    stems = Stems(rest.samplerate, rest.channels, n_samples, vocals, rest, mixed)
    vocal, song, side, mid = 1e-20, 1e-20, 1e-20, 1e-20
    for start in range(0, n_samples, 10 * rest.samplerate):
        n = min(10 * rest.samplerate, n_samples - start)
        sung, played = stems.vocal(start, n), _read(rest, start, n)
        vocal += _energy(sung)
        song += _energy(played if mixed else played + sung)
        side, mid = side + _energy(sung[:, 0] - sung[:, -1]), mid + _energy(sung[:, 0] + sung[:, -1])
    stems.vocal_db, stems.width_db = (float(10 * np.log10(a / b)) for a, b in ((vocal, song), (side, mid)))
    return stems


def _open(path: Path, stack: ExitStack) -> Recording:
    recording = open_recording(path, stack)
    if recording.channels > 2:
        raise AudioError(f"has {recording.channels} channels", str(path), "mix it down to stereo first")
    recording.blocks = _finite(recording.blocks, path)
    return recording


def _finite(blocks: Iterator[np.ndarray], path: Path) -> Iterator[np.ndarray]:
    for block in blocks:
        if not np.isfinite(block).all():
            raise AudioError("holds NaN or infinite samples", str(path), "export it again as 16-bit PCM")
        yield block


def _file(path: Path, rate: int, channels: int, stack: ExitStack) -> sf.SoundFile:
    """A temporary file of floats that may be larger than a WAV."""
    return stack.enter_context(sf.SoundFile(path, "w+", rate, channels, "FLOAT", format="W64"))


def _stored(blocks: Iterable[np.ndarray], file: sf.SoundFile) -> Iterator[np.ndarray]:
    """The blocks, each written to the file as it passes."""
    for block in blocks:
        _write(file, block)
        yield block


def _write(file: sf.SoundFile, block: np.ndarray) -> None:
    try:
        file.write(block)
    except (sf.LibsndfileError, AssertionError) as error:  # soundfile asserts that all was written
        remedy = "free some: a song takes 0.7 MB a second while it is worked on"
        raise AudioError("no space left for temporary files", str(Path(file.name).parent.parent), remedy) from error


def _read(file: sf.SoundFile, start: int, n: int) -> np.ndarray:
    file.seek(min(start, len(file)))
    return file.read(n, dtype="float32", always_2d=True, fill_value=0.0)


def _stereo(block: np.ndarray) -> np.ndarray:
    return block if block.shape[1] == 2 else np.repeat(block, 2, 1)


def _energy(wav: np.ndarray) -> float:
    return float(np.square(wav, dtype=np.float64).sum())
