"""English text -> the phonemes that Kokoro reads, by espeak-ng's library (package espeakng-loader, extra `tts`).

espeak-ng is GPL-3.0: it is loaded at run time where a person has installed it, and is no part of this project.
"""

import ctypes
import re
import threading
from functools import cache

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
IPA_TIED = 0x02 | 0x80 | ord(TIE) << 8  # phoneme mode
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


def _clause(text: str, language: str) -> str:
    """Phonemes of a text without marks, as espeak-ng writes them, ties included."""
    rest, found = ctypes.c_char_p(text.encode()), []
    with _lock:
        _espeak().espeak_SetVoiceByName(LANGUAGES[language].encode())
        while rest.value:
            found.append(_espeak().espeak_TextToPhonemes(ctypes.byref(rest), UTF8, IPA_TIED) or b"")
    return SWITCH.sub("", " ".join(part.decode() for part in found)).strip()


def phonemes(text: str, language: str = "en-us") -> str:
    """The phonemes of an English text, one character each, with its punctuation and single spaces; "" for no words.

    language: en-us or en-gb. Raises ConfigError for another language, and where espeak-ng is not installed.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"no phonemes of {language!r}", "language", f"choose one of {', '.join(LANGUAGES)}")
    clauses = MARKS.split(" ".join(BRACKETS.sub(" ", text.replace("’", "'")).split()))
    said = "".join(part if i % 2 else f" {_clause(part, language)} " for i, part in enumerate(clauses))
    for old, new in COMMON + OWN[language]:
        said = said.replace(old, new)
    said = re.sub(r"(\S)\u0329", r"ᵊ\1", said).replace(TIE, "")
    return re.sub(r" ([;:,.!?…])", r"\1", " ".join(said.split()))
