"""Configuration of songs."""

from dataclasses import dataclass, field


@dataclass
class SongConfig:
    """How a song is taken apart and put together (docs/songs.md), and on which mixtures that is measured."""

    separator: str = "spleeter"  # spleeter | demucs (extra demucs; its weights come from its own servers)
    room: bool = True  # the converted vocal gets the reverberation that the original's decay shows
    mixture_db: list[float] = field(default_factory=lambda: [0.0, 6.0])  # vocal over accompaniment, of pipelines.songs
    max_songs: int = 20  # of pipelines.songs
    work_dir: str = ".songs"
