"""Configuration of text to speech."""

from dataclasses import dataclass


@dataclass
class TtsConfig:
    """Which front-end reads the text (docs/speech.md)."""

    name: str = "hibari"  # hibari | kokoro | piper, or the path of a module with `load(voice)`
    voice: str = "heart"  # of the front-end; of Piper: the path of an .onnx file; empty: its default
