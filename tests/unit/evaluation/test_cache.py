"""A fact is measured once for the same content, and again for any other."""

from pathlib import Path

import numpy as np
import pytest

from autovoice.audio.io import save_wav
from autovoice.config import EvaluateConfig
from autovoice.evaluation import compute as computing
from autovoice.evaluation.cache import MeasureCache, definitions
from autovoice.evaluation.pairs import Pair
from tests.audio_files import speech


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.wav" for i in range(3)]
    for i, path in enumerate(paths):
        save_wav(path, speech("june", 1.5, i * 2.0), 16000)
    return paths


@pytest.mark.parametrize(
    "value", [np.arange(3, dtype=np.float32), np.array([0.1, 1e-17]), (1.5, 2.0, 0.1), "two words", 0.1]
)
def test_what_comes_back_is_what_went_in(tmp_path: Path, files: list[Path], value: object) -> None:
    store = MeasureCache(tmp_path / "cache")
    assert store.get(files[:1], "secs") is None
    store.put(files[:1], "secs", value)
    found = store.get(files[:1], "secs")
    assert type(found) is type(value)
    assert np.array_equal(found, value) if isinstance(value, np.ndarray) else found == value
    if isinstance(value, np.ndarray):
        assert found.dtype == value.dtype


def test_a_fact_belongs_to_content_order_and_definition(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MeasureCache(tmp_path / "cache")
    copy = tmp_path / "copy.wav"
    copy.write_bytes(files[0].read_bytes())
    assert store.path([files[0]], "secs") == store.path([copy], "secs")
    assert store.path([files[0]], "secs") != store.path([files[0]], "campp")
    assert store.path(files[:2], "secs") != store.path(files[:2][::-1], "secs")
    before = store.path([files[0]], "asr")
    monkeypatch.setitem(computing_definitions(), "asr", (definitions()["asr"] + 1, ("ctranslate2",)))
    from autovoice.evaluation import cache

    cache._behind.cache_clear()
    assert store.path([files[0]], "asr") != before
    cache._behind.cache_clear()


def computing_definitions() -> dict:
    from autovoice.evaluation.cache import DEFINITIONS

    return DEFINITIONS


def test_a_broken_entry_is_measured_again(tmp_path: Path, files: list[Path]) -> None:
    store = MeasureCache(tmp_path / "cache")
    store.put(files[:1], "dmos", 3.5)
    path = store.path(files[:1], "dmos")
    assert path is not None
    path.write_text('{"kind": "pla')
    assert store.get(files[:1], "dmos") is None


def test_a_second_evaluation_measures_nothing_and_finds_the_same(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair(2, files[0], (files[1],), files[2], source_speaker="a", target_speaker="b")
    store, wanted = MeasureCache(tmp_path / "cache"), {"f0", "secs"}
    first = computing.compute([pair], wanted, 1, store)
    monkeypatch.setattr(computing, "_measures", lambda: pytest.fail("measured again"))
    job = ((files[2],), ("f0", "secs"), store)
    assert computing.measure_files(job)["f0"].shape == (151,)
    again = computing.compute([pair], wanted, 1, store)
    assert again[0].values == first[0].values
    kept = sorted(p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.json"))
    computing.compute([pair], wanted, 1, store)
    assert sorted(p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.json")) == kept


def test_the_cache_can_be_turned_off(files: list[Path]) -> None:
    store = MeasureCache.default(enabled=False)
    store.put(files[:1], "dmos", 3.5)
    assert store.get(files[:1], "dmos") is None
    assert EvaluateConfig().cache
