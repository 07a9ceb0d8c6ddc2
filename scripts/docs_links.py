"""A hook of mkdocs: links out of docs/ become the path's name, since the site holds nothing else of the repository."""

import re
from pathlib import PurePosixPath
from typing import Any

OUT = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#]+)\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """A page's text, in which [name](../src/x.py) reads name (`src/x.py`); links within docs/ stay."""
    depth = len(PurePosixPath(page.file.src_uri).parent.parts)

    def shown(link: re.Match[str]) -> str:
        name, target = link.groups()
        if target.count("../") <= depth:
            return link.group()
        path = target.replace("../", "").rstrip("/")
        return f"`{path}`" if name in path else f"{name} (`{path}`)"

    return OUT.sub(shown, markdown)
