"""Songs in the table of pairs: melody, vibrato, and what is left of the accompaniment in a separated vocal."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import RATE, speech

from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.compute import compute
from autovoice.evaluation.pairs import Pair

SECONDS = 3.0


def sung(extent_cents: float) -> np.ndarray:
    """Harmonics of 220 Hz with a vibrato of 5.5 Hz."""
    t = np.arange(int(SECONDS * RATE)) / RATE
    f0 = 220 * 2 ** (extent_cents / 1200 * np.sin(2 * np.pi * 5.5 * t))
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    return 0.1 * sum(np.sin(k * phase) / k for k in range(1, 9))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A song whose mix is known, one whose mix is not, and one whose accompaniment is silent.

    The accompaniment is noise, 20 dB under the vocal in what was separated; the conversion has half of the vibrato.
    """
    folder: Path = tmp_path_factory.mktemp("songs")
    vocals, accompaniment = sung(60.0), np.random.default_rng(0).standard_normal(int(SECONDS * RATE)) * 0.02
    gain = 0.1 * np.linalg.norm(vocals) / np.linalg.norm(accompaniment)
    wavs = {"vocals": vocals, "accompaniment": accompaniment, "stem": vocals + gain * accompaniment, "flat": sung(30.0)}
    for name, wav in (wavs | {"target": speech("june", 4.0), "silence": np.zeros(RATE)}).items():
        sf.write(folder / f"{name}.wav", wav, RATE, "FLOAT")
    files = {name: folder / f"{name}.wav" for name in ("vocals", "accompaniment")}
    plain = Pair(
        2, folder / "stem.wav", (folder / "target.wav",), folder / "flat.wav", kind="singing", lang="it", **files
    )
    unknown = replace(plain, vocals=None, accompaniment=None)
    silent = replace(plain, accompaniment=folder / "silence.wav")
    return compute([plain, unknown, silent], {"singing", "f0"}, 1, MeasureCache(None))


def test_leakage_is_that_of_the_stem_that_was_converted(rows) -> None:
    assert rows[0].values["leakage_db"] == pytest.approx(-20.0, abs=0.1)
    assert rows[0].values["si_sdr_db"] == pytest.approx(20.0, abs=0.1)


def test_the_melody_stays_and_a_flattened_vibrato_shows(rows) -> None:
    assert rows[0].values["chroma"] > 0.9
    assert rows[0].values["vibrato_cents_err"] == pytest.approx(30.0, abs=4.0)
    assert rows[0].values["vibrato_hz_err"] == pytest.approx(0.0, abs=0.2)


def test_where_the_mix_is_unknown_leakage_does_not_apply(rows) -> None:
    assert not {"leakage_db", "si_sdr_db"} & (rows[1].values.keys() | rows[1].faults.keys())


def test_a_silent_truth_is_a_failure_with_its_reason(rows) -> None:
    assert rows[2].values["leakage_db"] is None
    assert rows[2].faults["leakage_db"]
