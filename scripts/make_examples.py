"""Makes the clips of docs/examples.md with the shipped model from the demo's recordings: docs/audio/*.opus, and its table.

python scripts/make_examples.py
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from autovoice.audio.io import load_wav
from autovoice.config import TtsConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.files import replacing, sha256_file, write_text
from autovoice.speech.speak import speak
from autovoice.tts.front_end import load_front_end
from autovoice.voice import VoiceProfile, clone_voice
from autovoice.watermark import marked
from autovoice.weights import BASE_GENERATOR

ROOT = Path(__file__).resolve().parents[1]
DEMO, DOCS = ROOT / "data/raw/demo", ROOT / "docs"
CLIP_S, RATE = 7.0, 24000
REFERENCES = 6  # recordings of each reader that the voice is cloned from; none of them is a source
TARGETS = ("june", "nikolay")
TEXT = "Good morning. This sentence was read by a computer, in a voice that was cloned from a few recordings."
TABLE = re.compile(r"(<!-- clips: begin[^\n]*-->\n).*?(<!-- clips: end -->)", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """A recording of the demo that is converted, and what it is."""

    reader: str
    name: str
    what: str


SOURCES = (
    Source("allison", "vm-tempgreeting2", "English, a woman"),
    Source("narrator", "", "English, a man"),
)


def recordings(reader: str) -> list[Path]:
    """A reader's, by name."""
    return sorted((DEMO / reader).glob("*.flac"))


def recording(source: Source) -> Path:
    """The file of a source: the last one, where it has no name."""
    return DEMO / source.reader / f"{source.name}.flac" if source.name else recordings(source.reader)[-1]


def voice_of(reader: str, converter: VoiceConverter) -> VoiceProfile:
    """Cloned from the reader's first recordings."""
    wavs = [load_wav(path, RATE) for path in recordings(reader)[:REFERENCES]]
    return clone_voice(reader, wavs, "by the licence of the recordings", networks=converter.networks)


def write_clip(name: str, wav: np.ndarray) -> str:
    """wav (T,) at 24 kHz, its first seconds, as Opus -> a player."""
    with replacing(DOCS / "audio" / f"{name}.opus") as temporary:
        sf.write(temporary, wav[: int(CLIP_S * RATE)], RATE, format="OGG", subtype="OPUS")
    return f'<audio controls preload="none" src="audio/{name}.opus"></audio>'


def table() -> str:
    """Makes all clips -> Markdown."""
    converter, presets = VoiceConverter("cpu"), compose().presets
    voices = {name: voice_of(name, converter) for name in TARGETS}
    lines = ["| source | " + " | ".join(f"as {name}" for name in voices) + " |", "|---" * (1 + len(voices)) + "|"]
    references = [write_clip(f"reference_{name}", load_wav(recordings(name)[0], RATE)) for name in voices]
    lines.append("| *a recording of the target* | " + " | ".join(references) + " |")
    for source in SOURCES:
        players = [f"{source.what}<br>" + write_clip(source.reader, load_wav(recording(source), RATE))]
        heard = load_wav(recording(source), converter.audio.sample_rate)
        for name, voice in voices.items():
            wav = marked(converter.convert(heard, voice, presets["balanced"]), RATE, voice.payload)
            players.append(write_clip(f"{source.reader}_as_{name}", wav))
        lines.append("| " + " | ".join(players) + " |")
    said = [f"text, by {TtsConfig().name}"]
    for name, voice in voices.items():
        spoken = speak(TEXT, voice, load_front_end(TtsConfig()), converter, presets["balanced"])
        said.append(
            write_clip(f"text_as_{name}", marked(np.concatenate([part.wav for part in spoken]), RATE, voice.payload))
        )
    lines.append("| " + " | ".join(said) + " |")
    made = f"Preset `balanced`, zero-shot, watermarked; base model with SHA-256 `{sha256_file(BASE_GENERATOR)[:16]}`."
    return "\n".join([*lines, "", made]) + "\n"


def main() -> None:
    """Writes the clips and the page's table."""
    page = DOCS / "examples.md"
    made = table()
    write_text(page, TABLE.sub(lambda found: found.group(1) + made + found.group(2), page.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
