"""Lists of other evaluation tools as a table of pairs."""

import csv
from collections.abc import Callable
from pathlib import Path

from autovoice.errors import DataError
from autovoice.files import replacing

Rows = list[dict[str, str]]
SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError("no such list", str(path), "name an existing one")
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    return [line for line in lines if line]


def read_seed_tts_eval(path: Path, converted: Path | None) -> Rows:
    """Rows of a seed-tts-eval meta.lst: name|prompt text|prompt audio|text|audio of the text (the source of a conversion).

    Paths are relative to the list. converted: the folder of results, NAME.wav each.
    """
    if converted is None:
        raise DataError("the list does not say where the results are", str(path), "add --converted DIR")
    rows = []
    for number, line in enumerate(_lines(path), 1):
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 5:
            raise DataError(
                f"line {number} has {len(parts)} fields", str(path),
                "give name|prompt text|prompt audio|text|audio; without the audio of the text there is no source",
            )  # fmt: skip
        name, _, prompt, text, audio = parts
        rows.append(
            {
                "source": str(path.parent / audio), "target_refs": str(path.parent / prompt), "text": text,
                "converted": str(_result(converted, name)), "target_speaker": Path(prompt).stem,
            }
        )  # fmt: skip
    return rows


def _result(folder: Path, name: str) -> Path:
    """The file of that name with any suffix; NAME.wav, which is then reported as missing, where there is none."""
    if Path(name).name != name:
        raise DataError(f"the name {name!r} is a path", str(folder), "name results by the file's name alone")
    named = [folder / f"{Path(name).stem if Path(name).suffix in SUFFIXES else name}{suffix}" for suffix in SUFFIXES]
    return next((file for file in named if file.is_file()), named[0])


def read_versa(folder: Path, converted: Path | None) -> Rows:
    """Rows of VERSA-style (Kaldi) lists in a folder: `key path` a line.

    pred.scp: results; src.scp: sources; ref.scp: references of the target, several lines a key allowed; optionally gt.scp (the
    target saying the same), text, utt2spk (of the source) and utt2tgt (of the target). Paths are relative to the folder.
    """
    if converted is not None:
        raise DataError("pred.scp says where the results are", str(folder), "leave --converted out")
    tables = {name: _keyed(folder / name) for name in ("pred.scp", "src.scp", "ref.scp")}
    optional = {
        name: _keyed(folder / name) for name in ("gt.scp", "text", "utt2spk", "utt2tgt") if (folder / name).is_file()
    }
    rows = []
    for key, (result, *_) in tables["pred.scp"].items():
        for name in ("src.scp", "ref.scp"):
            if key not in tables[name]:
                raise DataError(f"lacks {key!r}, which pred.scp has", str(folder / name), "add it")
        row = {
            "converted": str(folder / result), "source": str(folder / tables["src.scp"][key][0]),
            "target_refs": "|".join(str(folder / reference) for reference in tables["ref.scp"][key]),
        }  # fmt: skip
        columns = {"gt.scp": "parallel", "text": "text", "utt2spk": "source_speaker", "utt2tgt": "target_speaker"}
        for name, table in optional.items():
            value = table.get(key, [""])[0]
            row[columns[name]] = str(folder / value) if value and name == "gt.scp" else value
        rows.append(row)
    return rows


def _keyed(path: Path) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for number, line in enumerate(_lines(path), 1):
        key, _, value = line.partition(" ")
        if not value.strip():
            raise DataError(f"line {number} has a key and nothing else", str(path), "give key and value")
        if value.strip().endswith("|"):
            raise DataError(f"line {number} is a command", str(path), "name a file: commands are not run")
        table.setdefault(key, []).append(value.strip())
    return table


IMPORTERS: dict[str, Callable[[Path, Path | None], Rows]] = {"seed-tts-eval": read_seed_tts_eval, "versa": read_versa}


def import_pairs(style: str, path: Path, converted: Path | None, system: str, out: Path) -> Path:
    """Writes OUT/imported.csv, a table of pairs with absolute paths, and returns its path.

    Raises DataError for an unknown style, and for a list that is not of it.
    """
    if style not in IMPORTERS:
        raise DataError(f"no style {style!r}", "--from", f"choose from {', '.join(IMPORTERS)}")
    rows = IMPORTERS[style](path.resolve(), converted.resolve() if converted else None)
    if not rows:
        raise DataError("has no rows", str(path), "add a row a conversion")
    table = out / "imported.csv"
    out.mkdir(parents=True, exist_ok=True)
    with replacing(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["system", *{column: None for row in rows for column in row}], restval="")
        writer.writeheader()
        writer.writerows({"system": system} | row for row in rows)
    return table
