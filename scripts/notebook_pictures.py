"""Runs notebooks and keeps a picture of each for docs/notebooks.md: python scripts/notebook_pictures.py."""

import base64
import io
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

from autovoice.files import replacing

ROOT = Path(__file__).resolve().parents[1]
PICTURES = {"01-explore-data": "likeness", "02-clone-and-convert": "conversion"}  # the last picture of each
WIDTH, COLOURS = 620, 96  # pixels; few colours keep a picture small


def last_picture(path: Path) -> Image.Image:
    """Runs a notebook -> the last picture that it shows."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    picture = [data["image/png"] for data in shown if "image/png" in data][-1]
    return Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")


def main() -> None:
    """Writes docs/pictures/notebook-*.png."""
    for notebook, name in PICTURES.items():
        picture = last_picture(ROOT / "notebooks" / f"{notebook}.ipynb")
        picture.thumbnail((WIDTH, WIDTH))
        with replacing(ROOT / "docs" / "pictures" / f"notebook-{name}.png") as temporary:
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(temporary, optimize=True)


if __name__ == "__main__":
    main()
