"""A voice made of several: between them in all that conversion needs to know, down to their adapted weights."""

import hashlib
import math
import tempfile
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autovoice.config import AudioConfig
from autovoice.errors import DataError
from autovoice.files import replacing, sha256_file
from autovoice.voice import MAX_REFERENCE_S, VoiceProfile, joint_consent
from autovoice.weights import BASE_GENERATOR, load_generator_state, model_metadata

if TYPE_CHECKING:  # only adapted voices are blended in torch
    from torch import Tensor

MAX_VOICES = 8
STRETCH = 50  # reference frames that are taken at once: a second
SAME_BASE = 0.5  # distance to the base over its own length: .17 and .19 after two adaptations, 1.4 for other weights
VERDICTS = ("good", "usable", "poor")
REMEDY = "write NAME:WEIGHT,NAME:WEIGHT, as in ada:0.7,june:0.3"


def parse_blend(text: str) -> dict[str, float]:
    """ "ada:0.7,june:0.3" -> {"ada": 0.7, "june": 0.3}: weights that sum to 1, those of 0 left out; "ada" -> {"ada": 1.0}.

    Raises DataError for a weight that is no number or negative, a sum of 0, a voice named twice, and over 8 voices.
    """
    if not set(text) & set(":,"):
        return {text: 1.0}
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition(":"))
        name = unicodedata.normalize("NFC", name)
        if name in weights:
            raise DataError(f"names the voice {name} twice", f"--voice {text}", "name each voice once")
        weights[name] = _weight(number, text)
    if len(weights) > MAX_VOICES:
        raise DataError(f"blends {len(weights)} voices", f"--voice {text}", f"name at most {MAX_VOICES}")
    total = sum(weights.values())
    if not total > 0:
        raise DataError("the weights sum to 0", f"--voice {text}", REMEDY)
    return {name: weight / total for name, weight in weights.items() if weight > 0}


def _weight(number: str, text: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        raise DataError(f"'{number}' is not a weight", f"--voice {text}", REMEDY) from None
    if not 0 <= weight < 1e6:
        raise DataError(f"the weight {number} is not a number from 0 to a million", f"--voice {text}", REMEDY)
    return weight


def blend(voices: Sequence[VoiceProfile], weights: Sequence[float], base: Path = BASE_GENERATOR) -> VoiceProfile:
    """The voice between `voices`; weights: above 0, in their order, of sum 1.

    The embedding is their mean, f0 their geometric mean, the reference a second of each in turn, in proportion. Where all
    are adapted from `base` its generator is the mean of theirs, in a file that lasts as long as this process; else `base`.
    It stands on the consent of all, and has none where one has none.
    """
    spk_emb = np.average(np.stack([voice.spk_emb for voice in voices]), axis=0, weights=weights)
    plan = reference_plan([len(voice.ref_content) for voice in voices], weights)
    parts = {voice.name: voice.consent_id for voice in voices}

    def mean(name: str) -> float:
        return float(np.average([getattr(voice, name) for voice in voices], weights=weights))

    return VoiceProfile(
        name=",".join(f"{voice.name}:{weight:.3g}" for voice, weight in zip(voices, weights, strict=True)),
        spk_emb=(spk_emb / np.linalg.norm(spk_emb)).astype(np.float32),
        ref_content=np.concatenate([voices[i].ref_content[a:b] for i, a, b in plan]),
        ref_mel=np.concatenate([voices[i].ref_mel[a:b] for i, a, b in plan]),
        f0_median_hz=_geometric_mean([voice.f0_median_hz for voice in voices], weights),
        f0_low_hz=_geometric_mean([voice.f0_low_hz for voice in voices], weights),
        f0_high_hz=_geometric_mean([voice.f0_high_hz for voice in voices], weights),
        speech_s=sum(voice.speech_s for voice in voices),
        spread=mean("spread"),
        snr_db=min(voice.snr_db for voice in voices),
        verdict=max((voice.verdict for voice in voices), key=VERDICTS.index),
        reasons=[f"{voice.name}: {reason}" for voice in voices for reason in voice.reasons],
        consent=joint_consent(parts),
        band_hz=min(voice.band_hz for voice in voices),
        adapted=mean_weights([voice.adapted for voice in voices], weights, base),
        parts=parts,
    )


def _geometric_mean(values_hz: Sequence[float], weights: Sequence[float]) -> float:
    """Of those that are known (above 0), in Hz; 0 where none is."""
    known = [(value, weight) for value, weight in zip(values_hz, weights, strict=True) if value > 0]
    total = sum(weight for _, weight in known)
    return math.exp(sum(weight * math.log(value) for value, weight in known) / total) if known else 0.0


def reference_plan(lengths: Sequence[int], weights: Sequence[float]) -> list[tuple[int, int, int]]:
    """-> (voice, start, stop) of the stretches to join, so that every beginning of them is in proportion to a second.

    lengths: reference frames of each voice. Ends where the voice that is due has no frame left, or after 120 s.
    """
    plan: list[tuple[int, int, int]] = []
    taken = [0] * len(lengths)
    while sum(taken) < MAX_REFERENCE_S * 50:
        due = [weight * (sum(taken) + STRETCH) - n for weight, n in zip(weights, taken, strict=True)]
        i = due.index(max(due))
        stop = min(taken[i] + STRETCH, lengths[i])
        if stop == taken[i]:
            break
        plan.append((i, taken[i], stop))
        taken[i] = stop
    return plan


def mean_weights(
    files: Sequence[Path | None],
    weights: Sequence[float],
    base: Path = BASE_GENERATOR,
    audio: AudioConfig | None = None,
) -> Path | None:
    """The file of the generator between adapted ones; None unless each is adapted, from `base`, with its sizes.

    Fine-tuned models of one origin lie in one basin, where means of weights work (Wortsman et al. 2022, "Model Soups").
    """
    known, audio = [file for file in files if file is not None], audio or AudioConfig()
    if len(known) < len(files):
        return None
    from safetensors.torch import save_file

    model, origin = load_generator_state(base, audio)
    loaded = [load_generator_state(file, audio) for file in known]
    if not all(own == model and _is_near(state, origin) for own, state in loaded):
        return None
    text = " ".join(f"{sha256_file(file)} {weight!r}" for file, weight in zip(known, weights, strict=True))
    target = Path(_scratch().name) / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.safetensors"
    if not target.is_file():
        states = [state for _, state in loaded]
        blended = {f"generator.{name}": _mean([state[name] for state in states], weights) for name in origin}
        with replacing(target) as temporary:
            save_file(blended, temporary, model_metadata(model, audio))
    return target


def _mean(tensors: "Sequence[Tensor]", weights: Sequence[float]) -> "Tensor":
    weighted = (w * tensor for w, tensor in zip(weights, tensors, strict=True))
    return sum(weighted, tensors[0].new_zeros(())).half().contiguous()


def _is_near(state: "dict[str, Tensor]", origin: "dict[str, Tensor]") -> bool:
    """Whether the weights can have been adapted from `origin`: other trainings end elsewhere."""
    if state.keys() != origin.keys():
        return False
    away = sum(float((state[name] - value).square().sum()) for name, value in origin.items())
    return away < SAME_BASE**2 * sum(float(value.square().sum()) for value in origin.values())


@cache
def _scratch() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="autovoice-blend-")
