"""Opens recordings of any kind: libsndfile first, FFmpeg (PyAV) for the rest. Blocks of all channels, unchecked."""

import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from autovoice.errors import AudioError

READ_BLOCK = 4096  # frames read at once: of a damaged file no more than this is lost
UNKNOWN_BYTES = 0xFFFFFF00  # a WAV header that was written before the length was known holds this or more
OGG_TAIL = 1 << 17  # two of Ogg's largest pages
# FFmpeg also knows playlists and scripts, which name further files and addresses: only what holds the sound itself.
CONTAINERS = "mov,aac,matroska,asf,amr,ac3,eac3,ape,wv,tta,mp3,ogg,flac,wav,w64,aiff,au,caf,mpegts,avi,flv,dts,mpeg"


@dataclass
class Recording:
    """An open file: blocks (n, channels) float32; promised_s by its header, 0 if unknown; subtype: its codec."""

    sample_rate: int
    channels: int
    subtype: str
    blocks: Iterator[np.ndarray]
    promised_s: float = 0.0
    warnings: list[str] = field(default_factory=list)


def check_readable(path: Path) -> None:
    """Raises AudioError unless path is a file with something in it that may be read."""
    try:
        if not path.exists():
            raise AudioError("no such file", str(path), "check the path")
        if path.is_dir():
            raise AudioError("is a folder, not a recording", str(path), "name the files in it")
        if not path.is_file():
            raise AudioError("is not a regular file", str(path), "name a recording")
        with path.open("rb") as stream:
            head = stream.read(1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        why = getattr(error, "strerror", None) or error
        raise AudioError(f"cannot be opened ({why})", str(path), "check its name and permissions") from error
    if not head:
        raise AudioError("is empty", str(path), "record or export it again")


def open_recording(path: Path, stack: ExitStack) -> Recording:
    """Opens path until `stack` closes; raises AudioError if it is missing, unreadable, empty or not audio."""
    check_readable(path)
    try:
        stream = stack.enter_context(sf.SoundFile(path))
    except (sf.LibsndfileError, TypeError):  # TypeError: raw samples have no header that says what they are
        return _open_ffmpeg(path, stack)
    promised_s = stream.frames / stream.samplerate if 0 < stream.frames < 2**62 else 0.0
    found = Recording(stream.samplerate, stream.channels, stream.subtype, _sndfile_blocks(stream), promised_s)
    if stream.format in ("WAV", "WAVEX"):
        _compare_with_wav_header(path, found)
    elif stream.format == "OGG" and not _ogg_ends(path):
        found.warnings.append("truncated: the end of the stream is missing")
    return found


def _sndfile_blocks(stream: sf.SoundFile) -> Iterator[np.ndarray]:
    while True:
        try:
            block = stream.read(READ_BLOCK, dtype="float32", always_2d=True)
        except sf.LibsndfileError:  # damaged from here on: what was read is the readable part
            return
        if not len(block):
            return
        yield block


def _compare_with_wav_header(path: Path, found: Recording) -> None:
    """libsndfile believes the file's length over the header's: says where they differ."""
    declared, present, bytes_per_s = _wav_data(path)
    if not bytes_per_s or declared >= UNKNOWN_BYTES:
        return
    if declared > present:
        found.promised_s = declared / bytes_per_s
    elif _is_sound_after(path, declared, present):
        left_s = (present - declared) / bytes_per_s
        found.warnings.append(f"its header lies about the length: {left_s:.1f} s after what it declares are not read")


def _wav_chunks(path: Path) -> Iterator[tuple[bytes, int, int, bytes]]:
    """(id, declared bytes, offset of the content, its first 16 bytes) of each RIFF chunk."""
    with path.open("rb") as stream:
        stream.seek(12)
        while len(head := stream.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            start = stream.tell()
            yield name, size, start, stream.read(16)
            stream.seek(start + size + size % 2)


def _wav_data(path: Path) -> tuple[int, int, int]:
    """-> bytes of sound that the header declares, bytes from there to the file's end, bytes a second (0 = unknown)."""
    bytes_per_s = 0
    for name, size, start, content in _wav_chunks(path):
        if name == b"fmt " and len(content) == 16:
            bytes_per_s = struct.unpack("<I", content[8:12])[0]
        if name == b"data":
            return size, path.stat().st_size - start, bytes_per_s
    return 0, 0, 0


def _is_sound_after(path: Path, declared: int, present: int) -> bool:
    """Whether what follows the declared sound is no RIFF chunk (a name in ASCII) and more than padding."""
    names = [name for name, *_ in _wav_chunks(path)]
    after = names[names.index(b"data") + 1 :]
    return present - declared > 8 and not all(32 <= letter < 127 for name in after[:1] for letter in name)


def _ogg_ends(path: Path) -> bool:
    """Whether the last page is marked as the last."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - OGG_TAIL))
        tail = stream.read()
    page = tail.rfind(b"OggS\0")
    return page >= 0 and bool(tail[page + 5] & 4)


def _open_ffmpeg(path: Path, stack: ExitStack) -> Recording:
    try:
        import av
    except ImportError:
        what = "is not audio that libsndfile reads, and PyAV, which reads m4a, aac and more, is not installed"
        raise AudioError(what, str(path), "convert it to WAV or FLAC, or pip install av") from None
    av.logging.set_level(None)  # what is wrong is said once, by us
    problem = AudioError("is not audio that can be read", str(path), "convert it to WAV or FLAC")
    try:
        options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
        container = stack.enter_context(closing(av.open(str(path.resolve()), container_options=options)))
        stream = container.streams.audio[0]
        frames = container.decode(stream)
        first = next(frames)  # a codec may only know its rate and channels once it has decoded something
    except (av.error.FFmpegError, IndexError, StopIteration, OSError, ValueError) as error:
        raise problem from error
    if not first.sample_rate or not first.layout.nb_channels:
        raise problem
    promised_s = 0.0
    if "mp4" in container.format.name and stream.duration and stream.time_base:  # others guess it by the bit rate
        promised_s = float(stream.duration * stream.time_base)
    warnings: list[str] = []
    decoded = _ffmpeg_blocks(first, frames, warnings)
    blocks = _unpadded(decoded, round(promised_s * first.sample_rate), 2 * first.samples)
    return Recording(
        first.sample_rate, first.layout.nb_channels, stream.codec_context.name, blocks, promised_s, warnings
    )


def _ffmpeg_blocks(first: Any, frames: Iterator[Any], warnings: list[str]) -> Iterator[np.ndarray]:
    import av

    resampler = av.AudioResampler(format="flt", layout=first.layout, rate=first.sample_rate)
    try:
        for frame in chain([first], frames, [None]):
            for out in resampler.resample(frame):
                yield out.to_ndarray().reshape(-1, first.layout.nb_channels)
    except av.error.FFmpegError:  # damaged from here on: what was read is the readable part
        return
    except ValueError:  # the resampler is made for frames like the first one
        warnings.append("truncated: it goes on at another rate or in other channels, and is read up to there")


def _unpadded(blocks: Iterator[np.ndarray], n_promised: int, n_padding: int) -> Iterator[np.ndarray]:
    """The blocks without what fills a codec's last frame: what is beyond the promise, if it is that short."""
    n, beyond = 0, np.zeros(0, np.float32)
    for block in blocks:
        inside = len(block) if n_promised <= 0 else max(0, min(len(block), n_promised - n))
        n += len(block)
        if inside:
            yield block[:inside]
        if inside < len(block):
            rest = block[inside:]
            beyond = np.concatenate([beyond, rest]) if len(beyond) else rest
        if len(beyond) > n_padding:  # no padding: the promise is wrong
            yield beyond
            n_promised, beyond = 0, beyond[:0]
