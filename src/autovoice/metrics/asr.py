"""CER and WER: what a speech recogniser can still read in the converted audio.

What they mean: edit distance between the recogniser's transcript and a reference text, over the reference's length, in
characters (CER) or words (WER) after normalisation. 0.05 means that one character in twenty is wrong, missing or added.
The recogniser is Whisper tiny.en (asset "whisper-tiny-en"), whose weights are not the content encoder's. The second one, of
cer_b and wer_b, is Whisper base (asset "whisper-base"): larger, but its first three layers are the content encoder, so that it
may hear what the first does not. Without a text
the reference is the same recogniser's transcript of the source: what the conversion changed, not what the recogniser
misreads. English only. Unit: none (a share). Range: 0 upward, above 1 where much is added; lower is better.
Paper: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision".
Failure: NaN if the reference has no words left after normalisation.
"""

import os
import re
import unicodedata
from functools import cache
from pathlib import Path

import jiwer
import numpy as np
from faster_whisper import WhisperModel
from threadpoolctl import threadpool_limits

from autovoice.assets import asset_path

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBERS = {str(number): word for number, word in enumerate(DIGITS)}
SHORT_FORMS = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}


@cache
def _recogniser(path: Path, process: int) -> WhisperModel:
    # A CTranslate2 model does not survive fork, hence the process id in the cache key.
    return WhisperModel(
        str(path), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, local_files_only=True
    )


def transcribe(wav: np.ndarray, path: Path | None = None) -> str:
    """wav (T,) float32 mono 16 kHz -> English text as the recogniser writes it ("" for silence).

    path: folder of another CTranslate2 Whisper than tiny.en. Deterministic, whatever OMP_NUM_THREADS says: temperature 0
    without fallback, beam 5, no voice activity detection, no text carried over.
    """
    model = _recogniser(path or asset_path("whisper-tiny-en"), os.getpid())
    with threadpool_limits(1, "blas"):  # numpy's mel sums in another order on more threads, and words flip
        segments, _ = model.transcribe(
            np.asarray(wav, np.float32), language="en", beam_size=5, temperature=0.0, condition_on_previous_text=False,
            vad_filter=False, without_timestamps=False,
        )  # fmt: skip
        return " ".join(segment.text.strip() for segment in segments).strip()


def transcribe_b(wav: np.ndarray) -> str:
    """The same by the second recogniser."""
    return transcribe(wav, asset_path("whisper-base"))


def normalise_english(text: str) -> str:
    """Lower case words of a-z, 0-9 and apostrophes, single-spaced; accents go, 0 to 10 and four titles are spelt."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'")).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9' ]+", " ", re.sub(r"\[[^\]]*\]|\([^)]*\)", " ", plain)).split()
    words = [word.strip("'") for word in words]
    return " ".join(SHORT_FORMS.get(word, NUMBERS.get(word, word)) for word in words if word)


def cer(reference: str, hypothesis: str) -> float:
    """Character error rate of two English texts, 0 upward; NaN if the reference is empty after normalisation."""
    reference, hypothesis = normalise_english(reference), normalise_english(hypothesis)
    return float(jiwer.cer(reference, hypothesis)) if reference else float("nan")


def wer(reference: str, hypothesis: str) -> float:
    """Word error rate of two English texts, 0 upward; NaN if the reference is empty after normalisation."""
    reference, hypothesis = normalise_english(reference), normalise_english(hypothesis)
    return float(jiwer.wer(reference, hypothesis)) if reference else float("nan")
