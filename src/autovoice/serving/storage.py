"""Files of jobs and voices: on disk, or by fsspec in S3 and its like with a copy on disk while they are used.

Every name is ours: an id and one of a few plain file names, never a word of a client.
"""

import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from autovoice.errors import ConfigError

PLAIN = re.compile(r"(jobs|voices)/[0-9a-f]{32}(/[a-z_0-9]+(\.[a-z0-9]+)*)?")


class Storage:
    """Below `local` lie the files, or where there is a `url` copies of those below it."""

    def __init__(self, local: Path, url: str = "") -> None:
        self.local, self.remote, self.root = local.resolve(), None, ""
        for name in ("jobs", "voices", "incoming"):
            (self.local / name).mkdir(parents=True, exist_ok=True)
        if url:
            self.remote, self.root = _open(url)

    def path(self, name: str) -> Path:
        """Where a file lies, or would lie, on this disk; name: jobs/ID/FILE or voices/ID."""
        if not PLAIN.fullmatch(name):
            raise ValueError(f"{name!r} is not a name of ours")
        return self.local / name

    def keep(self, name: str) -> None:
        """Makes what was written at path(name), a file or a folder of files, last."""
        if self.remote is None:
            return
        path = self.path(name)
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file():
                target = f"{self.root}/{file.relative_to(self.local).as_posix()}"
                self.remote.makedirs(target.rpartition("/")[0], exist_ok=True)
                self.remote.put_file(str(file), target)

    def fetch(self, name: str) -> Path:
        """The file or folder on this disk, all of it; raises FileNotFoundError where it is nowhere."""
        path = self.path(name)
        if path.exists():
            return path
        if self.remote is None or not self.remote.exists(f"{self.root}/{name}"):
            raise FileNotFoundError(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.local / "incoming") as folder:
            whole = Path(folder) / path.name
            for remote in self.remote.find(f"{self.root}/{name}"):
                target = whole / remote.split(name, 1)[1].strip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                self.remote.get_file(remote, str(target))
            try:
                whole.replace(path)
            except OSError:  # another thread brought the folder meanwhile
                if not path.is_dir():
                    raise
        return path

    def delete(self, name: str) -> None:
        """Removes a file, or a folder with all that is in it, here and there."""
        remove(self.path(name))
        if self.remote is not None:
            with suppress(FileNotFoundError):
                self.remote.rm(f"{self.root}/{name}", recursive=True)

    def on_disk(self, kind: str) -> set[str]:
        """Ids that have a folder here; kind: jobs or voices."""
        return {path.name for path in (self.local / kind).iterdir()}


def remove(path: Path) -> None:
    """A file, or a folder with all that is in it, where there is one."""
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _open(url: str) -> tuple:
    """What holds the files, and where in it; it remembers no listing, since other servers write there too."""
    try:
        import fsspec

        filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        what = " ".join(str(error).split())
        raise ConfigError(
            f"cannot be used ({what})", "serve.storage", "pip install 'autovoice[s3]', or check the URL"
        ) from error
    return filesystem, root.rstrip("/")
