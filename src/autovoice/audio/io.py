"""Reads and writes audio files: what libsndfile knows, and the rest through FFmpeg (PyAV); mono float32 inside."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile as sf
import soxr

from autovoice.errors import AudioError
from autovoice.files import replacing

READ_BLOCK = 4096  # frames read at once: of a damaged file no more than this is lost
CLIPPED_SHARE = 1e-3  # of samples at full scale
FULL_SCALE = 0.999
DC_OFFSET = 0.02
NARROW_BAND_HZ = 12000


@dataclass
class AudioInfo:
    """What a file holds once read to its end. warnings: what a person should know; the file is usable all the same."""

    duration_s: float
    sample_rate: int
    channels: int
    warnings: list[str] = field(default_factory=list)


def check_readable(path: Path) -> None:
    """Raises AudioError unless path is a file with something in it that may be read."""
    if not path.exists():
        raise AudioError("no such file", str(path), "check the path")
    if path.is_dir():
        raise AudioError("is a folder, not a recording", str(path), "name the files in it")
    try:
        with path.open("rb") as stream:
            head = stream.read(1)
    except OSError as error:
        raise AudioError(f"cannot be opened ({error.strerror})", str(path), "check its permissions") from error
    if not head:
        raise AudioError("is empty", str(path), "record or export it again")


def _sndfile_blocks(stream: sf.SoundFile) -> Iterator[np.ndarray]:
    while True:
        try:
            block = stream.read(READ_BLOCK, dtype="float32", always_2d=True)
        except sf.LibsndfileError:  # damaged from here on: what was read is the readable part
            return
        if not len(block):
            return
        yield block


def _av_blocks(path: Path, container, layout: dict[str, int]) -> Iterator[np.ndarray]:  # noqa: ANN001 - av has no types
    import av

    resampler = av.AudioResampler(format="flt")
    try:
        for frame in container.decode(audio=0):
            for out in resampler.resample(frame):
                yield out.to_ndarray().reshape(-1, layout["channels"])
    except av.error.FFmpegError:
        return


def _open_av(path: Path, stack: ExitStack) -> tuple[int, int, float, Iterator[np.ndarray]]:
    problem = AudioError("is not audio that can be read", str(path), "convert it to WAV or FLAC")
    try:
        import av
    except ImportError:
        raise problem from None
    try:
        container = stack.enter_context(closing(av.open(str(path))))
        audio = container.streams.audio[0]
        rate, channels = audio.codec_context.sample_rate, audio.codec_context.channels
        promised_s = float((audio.duration or 0) * audio.time_base)
    except (av.error.FFmpegError, IndexError) as error:
        raise problem from error
    if not rate or not channels:
        raise problem
    return rate, channels, promised_s, _av_blocks(path, container, {"channels": channels})


def _open(path: Path, stack: ExitStack) -> tuple[int, int, float, Iterator[np.ndarray]]:
    """-> sample rate, channels, promised seconds (0 = unknown), iterator over (n, channels) float32 blocks."""
    check_readable(path)
    try:
        stream = stack.enter_context(sf.SoundFile(path))
    except (sf.LibsndfileError, TypeError):
        return _open_av(path, stack)
    promised_s = stream.frames / stream.samplerate if 0 < stream.frames < 2**62 else 0.0
    return stream.samplerate, stream.channels, promised_s, _sndfile_blocks(stream)


def _mono_blocks(path: Path, stack: ExitStack) -> tuple[int, int, float, Iterator[np.ndarray]]:
    rate, channels, promised_s, blocks = _open(path, stack)

    def mono() -> Iterator[np.ndarray]:
        n = 0
        for block in blocks:
            if not np.isfinite(block).all():
                raise AudioError("holds NaN or infinite samples", str(path), "export it again as 16-bit PCM")
            n += len(block)
            yield block.mean(1)
        if not n:
            raise AudioError("holds no audio", str(path), "record or export it again")

    return rate, channels, promised_s, mono()


def stream_blocks(path: Path, sample_rate: int, block_s: float = 10.0) -> Iterator[np.ndarray]:
    """Mono float32 blocks of at most block_s seconds at sample_rate, in constant memory; raises AudioError as load_wav."""
    size = max(1, int(block_s * sample_rate))
    with ExitStack() as stack:
        rate, _, _, blocks = _mono_blocks(Path(path), stack)
        resampler = None if rate == sample_rate else soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
        held: list[np.ndarray] = []
        n_held = 0
        for block in _resampled(blocks, resampler):
            held.append(block)
            n_held += len(block)
            if n_held >= size:
                joined = np.concatenate(held)
                for start in range(0, n_held - n_held % size, size):
                    yield joined[start : start + size]
                held, n_held = [joined[n_held - n_held % size :]], n_held % size
        if n_held:
            yield np.concatenate(held)


def _resampled(blocks: Iterator[np.ndarray], resampler: soxr.ResampleStream | None) -> Iterator[np.ndarray]:
    for block in blocks:
        yield block if resampler is None else resampler.resample_chunk(block)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def load_wav(path: Path, sample_rate: int) -> np.ndarray:
    """Mono float32 (T,) at `sample_rate`, channels averaged.

    Raises AudioError if the file is missing, a folder, not permitted, empty, not audio, without samples, or not finite.
    """
    return np.concatenate(list(stream_blocks(path, sample_rate)) or [np.zeros(0, np.float32)])


def probe(path: Path) -> AudioInfo:
    """Reads a file to its end; raises AudioError as load_wav, and names what is usable but not right as warnings."""
    path = Path(path)
    with ExitStack() as stack:
        rate, channels, promised_s, blocks = _mono_blocks(path, stack)
        n, full, total = 0, 0, 0.0
        for block in blocks:
            n += len(block)
            full += int((np.abs(block) >= FULL_SCALE).sum())
            total += float(block.sum(dtype=np.float64))
    duration_s = n / rate
    warnings = []
    if promised_s - duration_s > max(0.1, 0.01 * promised_s):
        warnings.append(f"truncated: {duration_s:.1f} s of the {promised_s:.1f} s that its header promises")
    if full / n > CLIPPED_SHARE:
        warnings.append(f"clipped: {full / n:.1%} of the samples at full scale")
    if abs(total / n) > DC_OFFSET:
        warnings.append(f"DC offset of {total / n:+.3f}")
    if rate < NARROW_BAND_HZ:
        warnings.append(f"narrow band: sampled at {rate} Hz")
    if channels > 1:
        warnings.append("stereo mixed down" if channels == 2 else f"{channels} channels mixed down")
    return AudioInfo(duration_s, rate, channels, warnings)


class StreamWriter:
    """Writes mono 16-bit audio block by block; the file appears whole at the end of the `with` block, or not at all.

    The format follows the suffix; raises AudioError when the format is unknown or the disk is full.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        self.path, self.sample_rate = Path(path), sample_rate
        self._stack, self._n_written = ExitStack(), 0

    def __enter__(self) -> "StreamWriter":
        if self.path.suffix.lstrip(".").upper() not in sf.available_formats():
            raise AudioError("is not a format that can be written", str(self.path), "name it .wav, .flac, .ogg or .mp3")
        try:
            self._temporary = self._stack.enter_context(replacing(self.path))
            self._stream = self._stack.enter_context(sf.SoundFile(self._temporary, "w", self.sample_rate, 1))
        except (OSError, sf.LibsndfileError) as error:
            self._stack.close()
            raise self._problem(error) from error
        return self

    def write(self, wav: np.ndarray) -> None:
        """Appends mono float32 (n,), clipped to [-1, 1]."""
        try:
            self._stream.write(np.clip(wav, -1.0, 1.0))
        except (OSError, sf.LibsndfileError, AssertionError) as error:  # soundfile asserts that all was written
            raise self._problem(error) from error
        self._n_written += len(wav)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._stream.close()
            lossless = self.path.suffix.lower() in (".wav", ".flac")
            if kind is None and lossless and sf.info(self._temporary).frames != self._n_written:
                kind, error = OSError, OSError(errno.ENOSPC, "no space left on the device")
                self._stack.__exit__(kind, error, trace)
                raise error
            self._stack.__exit__(kind, error, trace)
        except (sf.LibsndfileError, OSError) as problem:
            raise self._problem(problem) from problem

    def _problem(self, error: BaseException) -> AudioError:
        why = getattr(error, "strerror", None) or str(error)
        remedy = "check the disk space and the folder's permissions"
        return AudioError(f"cannot be written ({why})", str(self.path), remedy)


def save_wav(path: Path, wav: np.ndarray, sample_rate: int) -> None:
    """Writes mono float32 (T,) as 16-bit audio, whole or not at all; the format follows the suffix."""
    with StreamWriter(path, sample_rate) as writer:
        writer.write(wav)
