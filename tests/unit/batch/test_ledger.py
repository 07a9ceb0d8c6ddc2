"""What counts as done, who may write, and what a killed run leaves."""

from pathlib import Path

import pytest

from autovoice.batch.ledger import Ledger, Outcome, fingerprint
from autovoice.errors import DataError


@pytest.fixture
def made(tmp_path: Path) -> tuple[Ledger, Path]:
    """A ledger with one result, made from the inputs 'x'."""
    out = tmp_path / "deep" / "a.wav"
    out.parent.mkdir()
    out.write_bytes(b"sound")
    ledger = Ledger(tmp_path)
    ledger.enter(out, "x", Outcome("in.wav", str(out), "done", 2.0, 1.0, 0.5, ["clipped"]))
    return ledger, out


def test_a_result_is_kept_with_what_it_took(made: tuple[Ledger, Path]) -> None:
    ledger, out = made
    assert ledger.kept(out, "x") == Outcome("in.wav", str(out), "kept", 2.0, 1.0, 0.5, ["clipped"])


@pytest.mark.parametrize("change", ["inputs", "result", "no result", "torn record", "foreign record", "no record"])
def test_a_result_is_made_again_when_anything_changed(made: tuple[Ledger, Path], change: str) -> None:
    ledger, out = made
    (record,) = (ledger.root / ".batch").rglob("a.wav.json")
    match change:
        case "result":
            out.write_bytes(b"other")
        case "no result":
            out.unlink()
        case "torn record":
            record.write_text(record.read_text(encoding="utf-8")[:40], encoding="utf-8")
        case "foreign record":
            record.write_text('{"inputs": "x"}', encoding="utf-8")
        case "no record":
            record.unlink()
    assert ledger.kept(out, "y" if change == "inputs" else "x") is None


def test_a_fingerprint_knows_every_value_and_no_order() -> None:
    assert fingerprint({"a": 1, "b": {"c": 2}}) == fingerprint({"b": {"c": 2}, "a": 1})
    assert len({fingerprint({"a": value}) for value in (1, "1", None, 1.5, [1])}) == 5


def test_one_run_at_a_time_writes_a_folder(tmp_path: Path) -> None:
    with (
        Ledger(tmp_path / "new").held(),
        pytest.raises(DataError, match="another batch"),
        Ledger(tmp_path / "new").held(),
    ):
        pass
    with Ledger(tmp_path / "new").held():
        pass


def test_what_killed_writers_left_goes_and_nothing_else(made: tuple[Ledger, Path]) -> None:
    ledger, out = made
    left = [out.parent / name for name in (".a.k3_x9abc.wav", ".a.wav.k3_x9abc.json")]
    left.append(ledger.root / ".batch/done/deep/.a.wav.k3_x9abc.json")
    others = [out.parent / name for name in (".a.wav", ".b.k3_x9abc.wav", ".a.k3_x9abc.txt", "a.k3_x9abc.wav")]
    for path in (*left, *others):
        path.touch()
    ledger.sweep([out])
    assert not [path for path in left if path.exists()]
    assert all(path.exists() for path in (*others, out))
