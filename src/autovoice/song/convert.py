"""A song with its vocal in another voice: separate, find the phrases, convert, match, mix again. Constant memory, no drift."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from autovoice.analysis import analyse
from autovoice.audio.io import StreamWriter
from autovoice.config import PresetConfig, SongConfig
from autovoice.convert import VoiceConverter
from autovoice.errors import AudioError
from autovoice.guidance import for_pieces
from autovoice.separation import load_separator
from autovoice.song.match import headroom_gain
from autovoice.song.phrases import FRAMES_PER_S, Gate, find_phrases, sung, voiced_share
from autovoice.song.room import decay_s, room_of
from autovoice.song.shift import in_octave, shifted
from autovoice.song.singer import Singer
from autovoice.song.stats import SongStats, warnings_of
from autovoice.song.stems import Progress, Stems, given, separated, with_rest
from autovoice.song.tags import read_tags
from autovoice.voice import VoiceProfile

BLOCK_S = 10.0
SEPARATED, HEARD = 0.5, 0.55  # shares of the whole work, for progress
STEMS = ("vocals", "accompaniment", "converted")


@dataclass(frozen=True)
class SongOptions:
    """pitch: semitones, or auto, whole octaves so that the key remains (whole semitones where the accompaniment follows).

    vocals, accompaniment: what the song was mixed of, where that is known; keep_stems: OUT_vocals and so on beside OUT.
    watermark: in the converted vocal alone; tags: added to those of the song, as StreamWriter takes them.
    """

    pitch: float | Literal["auto"] = "auto"
    shift_accompaniment: bool = False
    vocals: Path | None = None
    accompaniment: Path | None = None
    keep_stems: bool = False
    seed: int = 0
    watermark: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)


def convert_song(
    song: Path | None,
    out: Path,
    voice: VoiceProfile,
    converter: VoiceConverter,
    preset: PresetConfig,
    config: SongConfig | None = None,
    options: SongOptions | None = None,
    on_progress: Progress | None = None,
) -> SongStats:
    """Writes the song with its vocal in `voice`, at its own rate, with its tags; whole or not at all.

    song: may be None where options name both stems. Raises AudioError for a file that is not usable or holds no singing.
    """
    config, options, report = config or SongConfig(), options or SongOptions(), on_progress or (lambda share: None)
    started = time.perf_counter()
    out.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=out.parent, prefix=".song.")))
        stems = _stems(song, config, options, folder, stack, lambda share: report(SEPARATED * share))
        singer, stats = _listen(stems, voice, converter, preset, options)
        if not singer.phrases:
            where = str(options.vocals or song)
            raise AudioError("holds no singing that could be found", where, "name a song with a vocal")
        report(HEARD)
        singer.room = room_of(stats.decay_s) if config.room else None
        if options.shift_accompaniment:
            stats.accompaniment_shift_st = in_octave(stats.shift_st)
            singer.stems = _in_key(singer, stats.accompaniment_shift_st, folder, stack)
        tags = {**read_tags(song or options.accompaniment or out), **options.tags}
        _write(singer, out, tags, options.keep_stems, stats, report)
    stats.seconds_used = time.perf_counter() - started
    stats.rtf = stats.seconds_used / stats.duration_s
    stats.warnings = [*stems.warnings, *warnings_of(stats)]
    return stats


def _listen(
    stems: Stems, voice: VoiceProfile, converter: VoiceConverter, preset: PresetConfig, options: SongOptions
) -> tuple[Singer, SongStats]:
    """The first pass over the vocal: its phrases, its key, and what is to be said of it."""
    audio, level = converter.audio, converter.audio.level_dbfs
    blocks = stems.vocal_blocks(audio.sample_rate)
    analysis = analyse(blocks, voice, audio, _pitch(options), converter.networks.pitch)
    singing = sung(analysis, level)
    singer = Singer(
        stems=stems,
        analysis=analysis,
        phrases=find_phrases(singing, analysis.loudness),
        gate=Gate(singing, stems.sample_rate),
        converter=converter,
        voice=voice,
        preset=for_pieces(preset),
        seed=options.seed,
        watermark=options.watermark,
    )
    stats = SongStats(
        duration_s=stems.n_samples / stems.sample_rate,
        sample_rate=stems.sample_rate,
        channels=stems.channels,
        vocal_db=stems.vocal_db,
        width_db=stems.width_db,
        voiced_share=voiced_share(analysis, level),
        sung_s=float(singing.sum() / FRAMES_PER_S),
        n_phrases=len(singer.phrases),
        decay_s=decay_s(analysis.loudness, level),
        shift_st=analysis.shift_st,
    )
    return singer, stats


def _pitch(options: SongOptions) -> float | Literal["octaves", "semitones"]:
    if options.pitch != "auto":
        return options.pitch
    return "semitones" if options.shift_accompaniment else "octaves"


def _stems(
    song: Path | None, config: SongConfig, options: SongOptions, folder: Path, stack: ExitStack, report: Progress
) -> Stems:
    if options.vocals is None:
        if song is None:
            raise AudioError("is missing", "SONG", "name a song, or its vocals and its accompaniment")
        return separated(song, load_separator(config.separator), folder, stack, report)
    other = options.accompaniment or song
    if other is None:
        raise AudioError("needs the accompaniment or the song", str(options.vocals), "name one of them too")
    return given(options.vocals, other, options.accompaniment is None, folder, stack)


def _in_key(singer: Singer, shift_st: float, folder: Path, stack: ExitStack) -> Stems:
    """The stems with an accompaniment that is shift_st semitones higher."""
    if not shift_st:
        return singer.stems
    blocks = (accompaniment for accompaniment, _ in _blocks(singer, with_vocal=False))
    return with_rest(singer.stems, shifted(blocks, singer.stems.sample_rate, shift_st), folder / "shifted.w64", stack)


def _blocks(singer: Singer, with_vocal: bool = True) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The whole song in order: (accompaniment, converted vocal), (n, channels) each, the second without the headroom's gain."""
    stems, at = singer.stems, 0
    block = int(BLOCK_S * stems.sample_rate)

    def accompaniment(n: int) -> np.ndarray:
        return stems.accompaniment(at, n, singer.gate.at(at, n))

    for phrase in [*(singer.phrases if with_vocal else []), None]:
        start, n_phrase = singer.place(phrase) if phrase else (stems.n_samples, 0)
        while at < start:
            n = min(block, start - at)
            yield accompaniment(n), np.zeros((n, stems.channels), np.float32)
            at += n
        if phrase and n_phrase > 0:
            yield accompaniment(n_phrase), singer.sing(phrase)
            at += n_phrase


def _write(singer: Singer, out: Path, tags: Mapping[str, str], keep: bool, stats: SongStats, report: Progress) -> None:
    """The mix, and with `keep` its parts beside it; where the sum would clip the vocal is lowered."""
    stems, at, least = singer.stems, 0, 1.0
    paths = [out.with_name(f"{out.stem}_{name}{out.suffix}") for name in STEMS] if keep else []
    with ExitStack() as stack:
        writers = [
            stack.enter_context(StreamWriter(path, stems.sample_rate, stems.channels, tags)) for path in [out, *paths]
        ]
        for accompaniment, vocal in _blocks(singer):
            gain = headroom_gain(vocal, accompaniment, stems.sample_rate)
            vocal, least = vocal * gain[:, None], min(least, float(gain.min(initial=1.0)))
            parts = [accompaniment + vocal, stems.vocal(at, len(vocal)) if keep else vocal, accompaniment, vocal]
            for writer, part in zip(writers, parts, strict=False):
                writer.write(part)
            at += len(vocal)
            report(HEARD + (1 - HEARD) * at / stems.n_samples)
    stats.lowered_db = float(-20 * np.log10(max(least, 1e-3)))
    stats.stems = [str(path) for path in paths]
