"""Verify whether recordings carry the watermark of this project: exit 0 all do, 1 one does not, 2 bad input.

examples:
  autovoice verify talk_as_ada.wav
  autovoice verify *.mp3 --json
"""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autovoice.commands.console import Console
from autovoice.commands.faults import explain
from autovoice.errors import AutovoiceError

if TYPE_CHECKING:  # --help must not wait for numpy
    from autovoice.watermark import Detection


def add_arguments(parser: ArgumentParser) -> None:
    """verify FILE..."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="recordings of any format and length")
    parser.set_defaults(collects=("files", Path))


def run(args: Namespace) -> int:
    """Says of each file how sure the mark is and what it and its provenance tell."""
    from autovoice.provenance import read_provenance
    from autovoice.watermark import detect_file

    console = Console(args)
    verified: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for path in args.files:
        try:
            found, records = detect_file(path), read_provenance(path)
        except (AutovoiceError, OSError) as error:
            failed[str(path)] = explain(error)[0]
            console.error(failed[str(path)])
            continue
        identity = None if found.payload is None else f"{found.payload:08x}"
        verified.append({"file": str(path), **asdict(found), "payload": identity, "provenance": records})
        console.say(f"{path}: {sentence(found)}")
        for place, record in records.items():
            console.say(f"{path}: {place}: " + ", ".join(f"{key} {value}" for key, value in record.items()))
    console.result({"files": verified, "failed": failed})
    if failed:
        return 2
    return 0 if all(one["marked"] for one in verified) else 1


def sentence(found: "Detection") -> str:
    """What a detection means, in words."""
    from autovoice.watermark.detector import Z_MARKED

    strength = f"z = {found.z:.1f}, {Z_MARKED:.1f} needed; chance {found.false_alarm:.1g} without a mark"
    if not found.marked:
        return f"not marked ({strength})"
    if found.payload is None:
        return f"marked ({strength}), too faint to read whose consent"
    return f"marked ({strength}), " + (f"consent id {found.payload:08x}" if found.payload else "no consent recorded")
