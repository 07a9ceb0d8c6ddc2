"""Text -> the phonemes that Kokoro (English) or Piper read, by espeak-ng's library (package espeakng-loader, extra `tts`).

espeak-ng is GPL-3.0: it is loaded at run time where a person has installed it, and is no part of this project.
"""

import ctypes
import re
import threading
import unicodedata
from functools import cache
from pathlib import Path

from autovoice.errors import ConfigError

LANGUAGES = {"en-us": "gmw/en-US", "en-gb": "gmw/en"}  # espeak-ng's files: by its own names it may crash (1.52)
TIE = "^"  # joins the letters of one phoneme
MARKS = re.compile(r"([;:,.!?…]+(?=\s|$)|—)")  # espeak-ng drops them: they carry the melody
BRACKETS = re.compile(r'["“”()\[\]]')
SWITCH = re.compile(r"\([a-z^-]+\)")  # "(fr)": a word that espeak-ng reads by another language's rules
# One letter a diphthong or affricate, as Kokoro was trained (misaki 0.9.4, misaki/espeak.py, Apache-2.0).
COMMON = (
    ("ʔˌn\u0329", "tn"), ("ʔn\u0329", "tn"), ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("t^ʃ", "ʧ"),
    ("ɔ^ɪ", "Y"), ("ə^l", "ᵊl"), ("ʲo", "jo"), ("ʲə", "jə"), ("ʲ", ""), ("ɚɹ", "əɹ"), ("ɚ", "əɹ"), ("r", "ɹ"),
    ("x", "k"), ("ç", "k"), ("ɐ", "ə"), ("ɬ", "l"), ("\u0303", ""),
)  # fmt: skip
OWN = {
    "en-us": (("o^ʊ", "O"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", ""), ("e", "A"), ("ɾ", "T"), ("ʔ", "t")),
    "en-gb": (("e^ə", "ɛː"), ("i^ə", "ɪə"), ("ə^ʊ", "Q"), ("e", "A"), ("ɾ", "T"), ("ʔ", "t")),
}
SYNCHRONOUS, DONT_EXIT, UTF8 = 2, 0x8000, 1  # espeak_AUDIO_OUTPUT, an option of espeak_Initialize, a text mode
IPA = 0x02  # phoneme modes
IPA_TIED = IPA | 0x80 | ord(TIE) << 8
_lock = threading.Lock()  # the library has one voice at a time


@cache
def _espeak() -> ctypes.CDLL:
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        found = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), DONT_EXIT)
    except (ImportError, OSError) as error:
        raise ConfigError(
            f"espeak-ng is not there ({error})", "text to speech", "pip install autovoice[tts]"
        ) from error
    if found <= 0:  # else the sample rate in Hz
        raise ConfigError("espeak-ng does not start", "text to speech", "pip install --force-reinstall espeakng-loader")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    return library


def _clause(text: str, file: str, mode: int) -> str:
    """Phonemes of a text without marks, as espeak-ng writes them; file: of a language, below espeak-ng's lang/."""
    rest, found = ctypes.c_char_p(text.encode()), []
    with _lock:
        _espeak().espeak_SetVoiceByName(file.encode())
        while rest.value:
            found.append(_espeak().espeak_TextToPhonemes(ctypes.byref(rest), UTF8, mode) or b"")
    return SWITCH.sub("", " ".join(part.decode() for part in found)).strip()


def phonemes(text: str, language: str = "en-us") -> str:
    """The phonemes of an English text, one character each, with its punctuation and single spaces; "" for no words.

    language: en-us or en-gb. Raises ConfigError for another language, and where espeak-ng is not installed.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"no phonemes of {language!r}", "language", f"choose one of {', '.join(LANGUAGES)}")
    said = _said(text, LANGUAGES[language], IPA_TIED)
    for old, new in COMMON + OWN[language]:
        said = said.replace(old, new)
    return _joined(re.sub(r"(\S)\u0329", r"ᵊ\1", said).replace(TIE, ""))


def ipa(text: str, language: str) -> str:
    """The IPA of a text, decomposed (NFD), with its punctuation and single spaces, as Piper's voices were taught.

    language: as espeak-ng calls it (en-us, de, ...). Raises ConfigError as phonemes does.
    """
    _espeak()
    if language not in _files():
        raise ConfigError(f"espeak-ng has no language {language!r}", "language", "choose another voice")
    return unicodedata.normalize("NFD", _joined(_said(text, _files()[language], IPA)))


@cache
def _files() -> dict[str, str]:
    """Language -> its file below espeak-ng's lang/."""
    import espeakng_loader

    folder, found = Path(espeakng_loader.get_data_path()) / "lang", dict[str, str]()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for name in re.findall(r"^language\s+(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.setdefault(name, path.relative_to(folder).as_posix())
    return found | LANGUAGES


def _said(text: str, file: str, mode: int) -> str:
    clauses = MARKS.split(" ".join(BRACKETS.sub(" ", text.replace("’", "'")).split()))
    return "".join(part if i % 2 else f" {_clause(part, file, mode)} " for i, part in enumerate(clauses))


def _joined(said: str) -> str:
    return re.sub(r" ([;:,.!?…])", r"\1", " ".join(said.split()))
