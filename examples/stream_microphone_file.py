"""Streams a recording to a running server as a microphone would, 20 ms at a time, and keeps what comes back.

python examples/stream_microphone_file.py talk.wav VOICE_ID out.wav
"""

import sys
import time
from collections.abc import Iterator

import soundfile as sf

from autovoice.client import Client


def microphone(path: str, block_s: float = 0.02) -> Iterator[bytes]:
    """The file's samples, each block when a microphone would have heard it."""
    with sf.SoundFile(path) as recording:
        started = time.monotonic()
        for number, block in enumerate(recording.blocks(round(block_s * recording.samplerate), dtype="int16")):
            time.sleep(max(0.0, started + (number + 1) * block_s - time.monotonic()))
            yield (block if block.ndim == 1 else block[:, 0]).astype("<i2").tobytes()


if __name__ == "__main__":
    source, voice, target = sys.argv[1:]
    rate = sf.info(source).samplerate
    with sf.SoundFile(target, "w", rate, 1, "PCM_16") as out:
        for pcm in Client().stream(microphone(source), voice, rate):
            out.buffer_write(pcm, "int16")
    print(f"{target}: {sf.info(target).duration:.2f} s")
