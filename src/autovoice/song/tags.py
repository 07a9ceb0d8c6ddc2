"""Title, artist and what else a song's file says of it, carried to the result; pictures are not."""

from contextlib import closing
from pathlib import Path

NAMES = {  # FFmpeg's name -> soundfile's
    "title": "title", "artist": "artist", "album": "album", "date": "date", "track": "tracknumber", "genre": "genre",
    "comment": "comment", "copyright": "copyright", "license": "license",
}  # fmt: skip


def read_tags(path: Path) -> dict[str, str]:
    """Tags by soundfile's names; none where PyAV is not installed or finds none."""
    try:
        import av
    except ImportError:
        return {}
    try:
        with closing(av.open(str(path.resolve()), metadata_errors="replace")) as container:
            streams = container.streams.audio
            found = {**(streams[0].metadata if streams else {}), **container.metadata}  # Ogg has them in the stream
    except (av.error.FFmpegError, OSError, ValueError):
        return {}
    return {NAMES[name.lower()]: text for name, text in found.items() if name.lower() in NAMES and text.strip()}
