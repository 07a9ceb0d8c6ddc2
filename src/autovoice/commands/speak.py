"""Speak a text in a cloned voice.

examples:
  autovoice speak "Good morning. It is 7:30." --voice ada -o morning.wav
  autovoice speak -f chapter.txt --reference ada.wav -o chapter.mp3 --speed 1.1
  autovoice speak "Good morning." --voice ada -o morning.wav --tts kokoro --tts-voice am_adam
"""

import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autovoice.commands.console import Console, add_voices
from autovoice.commands.convert import PRESETS, VOICE_HELP, converter_on, device, folder_of_voice, seed, target_voice
from autovoice.errors import AutovoiceError, DataError

MIN_SPEED, MAX_SPEED = 0.5, 2.0
WRITABLE = (".wav", ".flac", ".mp3", ".ogg", ".opus")


def add_arguments(parser: ArgumentParser) -> None:
    """speak TEXT|-f FILE (--voice NAME | --reference PATH...) -o OUT and how."""
    parser.add_argument("words", nargs="*", metavar="TEXT", help="what to speak, plain text")
    parser.add_argument("-f", "--file", type=Path, metavar="FILE", help="a text file in UTF-8 instead")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--voice", metavar="NAME", help=VOICE_HELP)
    target.add_argument("--reference", nargs="+", type=Path, metavar="PATH", help="recordings of the target, used once")
    parser.add_argument(
        "-o",
        "--out",
        required=True,
        type=Path,
        metavar="OUT",
        help=f"a {', '.join(WRITABLE[:-1])} or {WRITABLE[-1]} file",
    )
    parser.add_argument(
        "--preset", choices=PRESETS, default="balanced", help="speed against quality (default: balanced)"
    )
    parser.add_argument("--speed", type=speed, default=1.0, metavar="0.5..2", help="of speaking (default: 1)")
    parser.add_argument("--lang", type=str.lower, default="en", metavar="LANG", help="of the text (default: en)")
    parser.add_argument("--tts", metavar="NAME", help="who reads: hibari, kokoro, piper or a module (default: hibari)")
    parser.add_argument("--tts-voice", metavar="VOICE", help="of the front-end; of piper: the path of an .onnx file")
    parser.add_argument(
        "--device", type=device, default="auto", metavar="cpu|cuda|cuda:N|auto", help="default: auto, CUDA if any"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="same seed, same result (default: 0)")
    parser.add_argument(
        "--no-watermark", action="store_true", help="leave out the inaudible mark; the provenance says so"
    )
    add_voices(parser)
    parser.set_defaults(collects=("words", str))


def speed(text: str) -> float:
    """A number from 0.5 to 2."""
    try:
        value = float(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is not a number") from None
    if not MIN_SPEED <= value <= MAX_SPEED:
        raise ArgumentTypeError(f"{text} is out of range, from {MIN_SPEED:g} to {MAX_SPEED:g}")
    return value


def text_of(words: list[str], file: Path | None) -> str:
    """The text to speak; raises DataError unless it is given once, as words or as a file in UTF-8."""
    if bool(words) == (file is not None):
        raise DataError("give the text either as words or with -f FILE", "autovoice speak")
    if file is None:
        return " ".join(words)
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("is not text in UTF-8", str(file), "save it as plain text, UTF-8") from error


def run(args: Namespace) -> int:
    """Writes the whole text as one file, sentence by sentence."""
    console = Console(args)
    console.result(speak_one(args, console))
    return 0


def speak_one(args: Namespace, console: Console) -> dict[str, Any]:
    """Speaks a text, marks it and writes its provenance beside it; -> what a machine wants to know of it."""
    text = text_of(args.words, args.file)
    if args.out.suffix.lower() not in WRITABLE:
        raise AutovoiceError("is not a format that can be written", f"-o {args.out}", f"name it {', '.join(WRITABLE)}")
    started = time.perf_counter()
    voice, converter, spoken = _prepare(args, console, text)
    from autovoice.audio.io import StreamWriter
    from autovoice.provenance import provenance_of
    from autovoice.watermark import marked_blocks

    if args.no_watermark:
        console.warn("no watermark: nothing in the sound will tell that it is synthetic")
    record = provenance_of(voice, converter.weights, args.preset, not args.no_watermark)
    rate, tally = converter.audio.output_rate, Tally()
    with StreamWriter(args.out, rate, tags=record.tags()) as writer, console.progress("speaking") as on_progress:
        wavs = tally.wavs(spoken, on_progress)
        for block in marked_blocks(wavs, rate, voice.payload) if record.watermark else wavs:
            writer.write(block)
        if not tally.n_samples:
            raise DataError("holds nothing that the front-end can read", "text", "check its language and --tts")
    record.write_beside(args.out)
    duration_s, used = tally.n_samples / rate, time.perf_counter() - started
    facts = {"out": str(args.out), "voice": voice.name, "sentences": tally.n_sentences, "duration_s": duration_s}
    facts |= {"seconds_used": used, "first_sentence_s": tally.first_s, "watermark": record.watermark}
    console.say(f"{args.out}: {duration_s:.2f} s of speech, sentences: {tally.n_sentences}, in {used:.2f} s")
    return facts


@dataclass
class Tally:
    """Counts what is spoken. first_s: seconds until the first sentence was there, models loaded."""

    n_sentences: int = 0
    n_samples: int = 0
    first_s: float = 0.0

    def wavs(self, spoken: Iterator[Any], on_progress: Callable[[float], None]) -> Iterator[Any]:
        """The samples of each sentence, as it is made."""
        started = time.perf_counter()
        for sentence in spoken:
            self.first_s = self.first_s or time.perf_counter() - started
            self.n_sentences, self.n_samples = self.n_sentences + 1, self.n_samples + len(sentence.wav)
            on_progress(sentence.share)
            yield sentence.wav


def _prepare(args: Namespace, console: Console, text: str) -> tuple[Any, Any, Iterator[Any]]:
    """-> (voice, converter, the sentences to come); every argument is checked before the first is made."""
    folder = folder_of_voice(args)
    from autovoice.speech.text import check, clean, left_out

    check(clean(text), args.lang)  # before the models load
    if lost := left_out(clean(text), args.lang):
        console.warn(f"left out, since {args.lang} has no such letters: {lost}")
    from autovoice.config import TtsConfig, compose
    from autovoice.tts.front_end import load_front_end, require_language

    config = compose()
    tts = TtsConfig(args.tts, "") if args.tts else config.tts
    tts.voice = tts.voice if args.tts_voice is None else args.tts_voice
    front_end = load_front_end(tts)
    require_language(front_end, args.lang)
    from autovoice.speech.speak import speak

    converter = converter_on(args.device)
    voice = target_voice(args, console, folder, converter)
    preset = config.presets[args.preset]
    spoken = speak(text, voice, front_end, converter, preset, args.lang, args.speed, args.seed)
    return voice, converter, spoken
