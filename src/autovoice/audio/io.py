"""Reads and writes audio files in constant memory: mono float32 inside, whatever the file is."""

import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile as sf
import soxr

from autovoice.audio.decode import Recording, open_recording
from autovoice.errors import AudioError
from autovoice.files import replacing

CLIPPED_SHARE = 1e-3  # of samples at full scale
FULL_SCALE = 0.999
LOUDEST = 1e10  # times full scale: no recording, however badly scaled; its square and sums of it are float32 still
DC_OFFSET = 0.02
NARROW_BAND_HZ = 12000
WIDE_BAND_HZ = 48000
WIDE_SAMPLES = {"PCM_24": "24-bit", "PCM_32": "32-bit"}
FORMATS = {  # suffix -> what libsndfile calls format and subtype
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
DISK_MARGIN = 1 << 16  # bytes: a disk with less is full


@dataclass
class AudioInfo:
    """What a file holds once read to its end; subtype: its codec (PCM_16, VORBIS, aac, ...).

    warnings: what a person should know; the file is usable all the same.
    """

    duration_s: float
    sample_rate: int
    channels: int
    subtype: str = ""
    warnings: list[str] = field(default_factory=list)


def _checked(recording: Recording, path: Path) -> Iterator[np.ndarray]:
    """The recording's blocks (n, channels); raises AudioError on NaN, infinity or what is past LOUDEST, and without a sample."""
    n = 0
    for block in recording.blocks:
        if not (np.abs(block) < LOUDEST).all():  # so is no comparison with NaN
            what = "NaN or infinite samples" if not np.isfinite(block).all() else f"samples of {LOUDEST:g} or more"
            raise AudioError(f"holds {what}", str(path), "export it again as 16-bit PCM")
        n += len(block)
        yield block
    if not n:
        raise AudioError("holds no audio", str(path), "record or export it again")


def stream_blocks(path: Path, sample_rate: int, block_s: float = 10.0) -> Iterator[np.ndarray]:
    """Mono float32 blocks of block_s seconds (the last one shorter) at sample_rate; raises AudioError as load_wav."""
    size = max(1, int(block_s * sample_rate))
    with ExitStack() as stack:
        recording = open_recording(Path(path), stack)
        share = np.full(recording.channels, 1 / recording.channels, np.float32)  # a product is far faster than mean(1)
        mono = (block @ share for block in _checked(recording, Path(path)))
        held: list[np.ndarray] = []
        n_held = 0
        for block in _resampled(mono, recording.sample_rate, sample_rate):
            held.append(block)
            n_held += len(block)
            if n_held >= size:
                joined = np.concatenate(held)
                n_whole = n_held - n_held % size
                yield from (joined[start : start + size] for start in range(0, n_whole, size))
                held, n_held = [joined[n_whole:]], n_held - n_whole
        if n_held:
            yield np.concatenate(held)


def _resampled(blocks: Iterator[np.ndarray], old_rate: int, new_rate: int) -> Iterator[np.ndarray]:
    """Blocks (n,) at old_rate -> blocks at new_rate, in all round(n * new_rate / old_rate) samples to within one."""
    if old_rate == new_rate:
        yield from blocks
        return
    resampler = soxr.ResampleStream(old_rate, new_rate, 1, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def load_wav(path: Path, sample_rate: int) -> np.ndarray:
    """Mono float32 (T,) at `sample_rate`, channels averaged.

    Raises AudioError if the file is missing, a folder, not permitted, empty, not audio, without samples, or not finite.
    """
    return np.concatenate([np.zeros(0, np.float32), *stream_blocks(path, sample_rate)])


def load_native(path: Path) -> tuple[np.ndarray, int]:
    """(samples (T, channels) float32 at the file's own rate, the rate); raises AudioError as load_wav."""
    with ExitStack() as stack:
        recording = open_recording(Path(path), stack)
        return np.concatenate(list(_checked(recording, Path(path)))), recording.sample_rate


def probe(path: Path, most_s: float = math.inf, most_channels: int = 1024) -> AudioInfo:
    """Reads a file to its end, or just past most_s; names what is usable but not right as warnings.

    Raises AudioError as load_wav, and for more than most_channels.
    """
    with ExitStack() as stack:
        recording = open_recording(Path(path), stack)
        if recording.channels > most_channels:
            raise AudioError(
                f"has {recording.channels} channels, {most_channels} are allowed", str(path), "mix it down"
            )
        n, n_full, total = 0, np.zeros(recording.channels), np.zeros(recording.channels)
        for block in _checked(recording, Path(path)):
            n, ones = n + len(block), np.ones(len(block), np.float32)
            n_full += ones @ (np.abs(block) >= FULL_SCALE).astype(np.float32)
            total += ones @ block
            if n > most_s * recording.sample_rate:
                break
    duration_s, warnings = n / recording.sample_rate, list(recording.warnings)
    if recording.promised_s - duration_s > max(0.1, 0.01 * recording.promised_s):
        promised = f"{recording.promised_s:.1f} s that its header promises"
        warnings.append(f"truncated: only {duration_s:.1f} s of the {promised} can be read")
    if (clipped := n_full.max() / n) > CLIPPED_SHARE:  # of the worst channel: averaging would hide it
        warnings.append(f"clipped: {clipped:.1%} of the samples at full scale")
    if abs(offset := total[np.abs(total).argmax()] / n) > DC_OFFSET:
        warnings.append(f"DC offset of {offset:+.3f}")
    return AudioInfo(
        duration_s, recording.sample_rate, recording.channels, recording.subtype, warnings + _format_warnings(recording)
    )


def _format_warnings(recording: Recording) -> list[str]:
    """What the format brings with it: narrow band, more than is used, several channels."""
    rate, channels, warnings = recording.sample_rate, recording.channels, []
    if rate < NARROW_BAND_HZ:
        warnings.append(f"{rate / 1000:g} kHz: narrow band, the voice stays dull")
    if rate > WIDE_BAND_HZ:
        warnings.append(f"{rate / 1000:g} kHz: more than is used, resampled")
    if recording.subtype in WIDE_SAMPLES:
        warnings.append(f"{WIDE_SAMPLES[recording.subtype]}: results are 16-bit")
    if channels > 1:
        warnings.append("stereo mixed down" if channels == 2 else f"{channels} channels mixed down")
    return warnings


class StreamWriter:
    """Writes 16-bit audio block by block; the file appears whole at the end of the `with` block, or not at all.

    The format follows the suffix (.wav, .flac, .ogg, .opus, .mp3); raises AudioError when it is another one, when the
    disk is full, or when the folder is not writable.
    """

    def __init__(self, path: Path, sample_rate: int, channels: int = 1, tags: Mapping[str, str] | None = None) -> None:
        """tags: title, artist, album and what else soundfile can store, by its names."""
        self.path, self.sample_rate, self.channels, self.tags = Path(path), sample_rate, channels, tags or {}
        self._n_written = 0

    def __enter__(self) -> "StreamWriter":
        if self.path.suffix.lower() not in FORMATS:
            raise AudioError("is not a format that can be written", str(self.path), f"name it {', '.join(FORMATS)}")
        kind, subtype = FORMATS[self.path.suffix.lower()]
        try:
            with ExitStack() as stack:
                self._temporary = stack.enter_context(replacing(self.path))
                stream = sf.SoundFile(self._temporary, "w", self.sample_rate, self.channels, subtype, format=kind)
                self._stream = stack.enter_context(stream)
                for name, text in self.tags.items():
                    setattr(stream, name, text)
                self._stack = stack.pop_all()
        except (OSError, sf.LibsndfileError, ValueError) as error:
            raise self._problem(error) from error
        return self

    def write(self, wav: np.ndarray) -> None:
        """Appends float32 (n,), or (n, channels), clipped to [-1, 1]; raises AudioError on NaN or infinity and on a full disk."""
        if not np.isfinite(wav).all():
            raise AudioError("would hold NaN or infinite samples", str(self.path), "report this as a bug")
        try:
            self._stream.write(np.clip(wav, -1.0, 1.0))
        except (OSError, sf.LibsndfileError, AssertionError) as error:  # soundfile asserts that all was written
            raise self._problem(error) from error
        self._n_written += len(wav)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            with suppress(sf.LibsndfileError):  # the error that stopped the writing says more
                self._stream.close()
            self._stack.__exit__(kind, error, trace)  # removes the temporary file
            return
        try:
            with self._stack:  # renames the temporary file, or removes it if anything here raises
                self._finish()
        except OSError as problem:
            raise self._problem(problem) from problem

    def _finish(self) -> None:
        try:
            self._stream.close()
        except sf.LibsndfileError as error:
            raise self._problem(error) from error
        self._check_whole()

    def _check_whole(self) -> None:
        """A full disk need not be an error of libsndfile's: what is not in the file was not written."""
        n_found = sf.info(self._temporary).frames if self._n_written else 0
        if n_found < self._n_written - (0 if self.path.suffix.lower() in (".wav", ".flac") else self.sample_rate // 10):
            raise self._problem(OSError(f"{n_found} of {self._n_written} samples arrived"))

    def _problem(self, error: BaseException) -> AudioError:
        """A full disk is known by its free space: libsndfile only says that something went wrong."""
        folder = next((folder for folder in self.path.absolute().parents if folder.is_dir()), Path.cwd())
        if shutil.disk_usage(folder).free < DISK_MARGIN:
            return AudioError("no space left on the device", str(self.path), "free some space or write elsewhere")
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        remedy = "check the disk space, the folder's permissions and the name"
        return AudioError(f"cannot be written ({why.rstrip('.')})", str(self.path), remedy)


def save_wav(path: Path, wav: np.ndarray, sample_rate: int) -> None:
    """Writes mono float32 (T,) as 16-bit audio, whole or not at all; the format follows the suffix."""
    with StreamWriter(path, sample_rate) as writer:
        writer.write(wav)
