"""What DVC draws: the tables of an evaluation's rows, the same to the byte each time."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import yaml
from audio_files import RATE, ROOT, speech

from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.pairs import Pair
from autovoice.evaluation.plots import F0_FRAMES, F0_PAIRS, write_plots
from autovoice.evaluation.rows import Row

SHIFT_ST = 12.0
TABLES = {
    "pareto.csv": ["system", "secs", "campp", "cer"],
    "f0_scatter.csv": ["pair", "system", "source_hz", "converted_hz"],
    "reference_seconds.csv": ["pair", "system", "seconds", "secs", "campp"],
}


@pytest.fixture(scope="module")
def audio(tmp_path_factory) -> dict[str, Path]:
    """A source, and references of one and of two and a half seconds."""
    folder, found = tmp_path_factory.mktemp("audio"), {}
    for name, reader, seconds in (("source", "allison", 1.0), ("short", "carlo", 1.0), ("long", "carlo", 2.5)):
        found[name] = folder / f"{name}.wav"
        sf.write(found[name], speech(reader, seconds), RATE)
    return found


def row(
    audio, system: str, refs: tuple[str, ...] = ("short",), kind: str = "conversion", **values: float | None
) -> Row:
    pair = Pair(2, audio["source"], tuple(audio[name] for name in refs), audio["source"], system=system, kind=kind)
    return Row(pair, dict(values))


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def written(folder: Path, rows: list[Row]) -> Path:
    write_plots(folder, rows, MeasureCache(None))
    return folder


def test_a_conversion_that_cannot_be_read_has_no_picture_and_stops_nothing(audio, tmp_path):
    broken = tmp_path / "nan.wav"
    sf.write(broken, np.full(RATE, np.nan), RATE, "FLOAT")
    pair = Pair(2, audio["source"], (audio["short"],), broken, system="a", kind="conversion")
    folder = written(tmp_path, [row(audio, "a", secs=0.5), Row(pair, {"secs": None}, faults={"secs": "holds NaN"})])
    assert [path.name for path in folder.glob("f0_*.png")] == ["f0_0.png"]


def test_pareto_is_a_point_a_system_of_those_that_have_both(audio, tmp_path):
    rows = [row(audio, "a", secs=0.8, campp=0.6, cer=0.1), row(audio, "a", secs=0.6, campp=0.4, cer=None)]
    rows += [row(audio, "no words", secs=0.8, campp=0.6), row(audio, "a", kind="copy", secs=0, campp=0, cer=1.0)]
    assert read(written(tmp_path, rows), "pareto.csv") == [{"system": "a", "secs": "0.7", "campp": "0.5", "cer": "0.1"}]


def test_f0_is_drawn_after_the_pairs_shift_in_frames_spread_evenly(audio, tmp_path):
    moved = row(audio, "moved", f0_rmse_hz=1.0, shift_st=SHIFT_ST)
    rows = [row(audio, "as it is", f0_rmse_hz=0.0, shift_st=0.0), moved, row(audio, "unvoiced", f0_rmse_hz=None)]
    rows.append(row(audio, "anchor/source", f0_rmse_hz=0.0))
    points = read(written(tmp_path, rows), "f0_scatter.csv")
    assert {point["system"] for point in points} == {"as it is", "moved"}
    for point in points:  # the result is the source, so that only the shift parts them
        octave = 2 if point["system"] == "moved" else 1
        assert float(point["source_hz"]) == pytest.approx(octave * float(point["converted_hz"]), rel=1e-3)
    assert len(points) == 2 * F0_FRAMES


def test_f0_has_no_more_pairs_than_can_be_read(audio, tmp_path):
    rows = [row(audio, "a", f0_rmse_hz=1.0, shift_st=0.0) for _ in range(F0_PAIRS + 5)]
    pairs = {int(point["pair"]) for point in read(written(tmp_path, rows), "f0_scatter.csv")}
    assert len(pairs) == F0_PAIRS
    assert {0, F0_PAIRS + 4} <= pairs


def test_seconds_of_reference_are_those_of_the_files_together(audio, tmp_path):
    rows = [
        row(audio, "a", campp=0.5),
        row(audio, "a", ("short", "long"), campp=0.6, secs=0.7),
        row(audio, "a", cer=0.1),
    ]
    found = read(written(tmp_path, rows), "reference_seconds.csv")
    assert [(line["pair"], line["seconds"], line["secs"]) for line in found] == [("0", "1", ""), ("1", "3.5", "0.7")]


def test_the_same_rows_give_the_same_bytes(audio, tmp_path):
    rows = [row(audio, "a", secs=0.7, campp=0.5, cer=0.1, f0_rmse_hz=1.0, shift_st=0.5)]
    first, second = (written(tmp_path / name, rows) for name in ("first", "second"))
    names = sorted(path.name for path in first.iterdir())
    assert {*TABLES, "similarity.csv", "f0_0.png"} == set(names)
    assert [(first / name).read_bytes() for name in names] == [(second / name).read_bytes() for name in names]


@pytest.mark.parametrize("table", TABLES)
def test_dvc_draws_columns_that_the_table_has(audio, tmp_path, table):
    with (written(tmp_path, [row(audio, "a")]) / table).open(encoding="utf-8") as stream:
        assert next(csv.reader(stream)) == TABLES[table]
    plots = [
        next(iter(p.values())) for p in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"] if isinstance(p, dict)
    ]
    path = f"data/metrics/plots/{table}"
    (plot,) = [p for p in plots if path in p["x"]]
    assert {plot["x"][path], plot["y"][path]} <= set(TABLES[table])
    template = (ROOT / ".dvc" / "plots" / f"{plot['template']}.json").read_text(encoding="utf-8")
    assert {"layer", "encoding"} <= json.loads(template).keys()
    assert template.count("<DVC_METRIC_") >= 5
