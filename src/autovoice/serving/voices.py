"""Voices: those that come with the server, and those that clients cloned, each seen by its owner alone."""

import re
import shutil
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from autovoice.errors import DataError
from autovoice.files import read_json
from autovoice.serving.database import VOICES
from autovoice.serving.faults import ApiError
from autovoice.serving.jobs import new_id
from autovoice.serving.storage import Storage
from autovoice.voice import VoiceProfile, consent_id_of

OURS = re.compile(r"[0-9a-f]{32}")
NAMES = ("name", "speech_s", "verdict", "reasons", "snr_db", "f0_median_hz", "consent", "consent_id", "adapted")
LOADED = 16  # profiles held in memory, about 3 MB each


class Voices:
    """The table of cloned voices, and a folder of built-in ones, whose ids are their names."""

    def __init__(self, engine: Engine, storage: Storage, builtin: Path, most: int, output_rate: int) -> None:
        self.engine, self.storage, self.builtin, self.most, self.rate = engine, storage, builtin, most, output_rate
        self._load = lru_cache(maxsize=LOADED)(lambda folder, mtime_ns: VoiceProfile.load(folder))

    def all(self, owner: str) -> list[dict[str, Any]]:
        """What a caller may speak in: built-in voices first, then the caller's own, newest first."""
        with self.engine.connect() as connection:
            query = select(VOICES).where(VOICES.c.owner == owner).order_by(VOICES.c.created.desc())
            own = [row["facts"] for row in connection.execute(query).mappings()]
        return [_facts_of_folder(folder) for folder in self._builtin().values()] + own

    def get(self, voice: str, owner: str) -> dict[str, Any]:
        """One of them; raises ApiError 404, also for another's voice."""
        if folder := self._builtin().get(voice):
            return _facts_of_folder(folder)
        with self.engine.connect() as connection:
            query = select(VOICES).where(VOICES.c.id == voice, VOICES.c.owner == owner)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise ApiError(404, "no_such_voice", "There is no such voice; GET /v1/voices lists them.")
        return row["facts"]

    def profile(self, voice: str, owner: str) -> VoiceProfile:
        """A voice, to convert into; raises ApiError 404."""
        self.get(voice, owner)
        folder = self._builtin().get(voice) or self.storage.fetch(f"voices/{voice}")
        return self._load(folder, (folder / "voice.json").stat().st_mtime_ns)

    def recordings(self, voice: str, owner: str) -> list[Path]:
        """What a voice was cloned from; raises ApiError 404 for a voice unknown, 422 for one that came without."""
        self.get(voice, owner)
        folder = self._builtin().get(voice) or self.storage.fetch(f"voices/{voice}")
        if not (found := sorted((folder / "recordings").glob("*.flac"))):
            raise ApiError(422, "no_recordings", "This voice came without its recordings; send references of it.")
        return found

    def require_room(self, owner: str) -> None:
        """Raises ApiError 403 where the caller has as many voices as allowed."""
        with self.engine.connect() as connection:
            n = len(connection.execute(select(VOICES.c.id).where(VOICES.c.owner == owner)).all())
        if n >= self.most:
            raise ApiError(403, "too_many_voices", f"You have {n} voices, no more are allowed; delete one first.")

    def add(self, profile: VoiceProfile, owner: str) -> dict[str, Any]:
        """Keeps a cloned voice -> its facts."""
        voice = new_id()
        folder = self.storage.path(f"voices/{voice}")
        try:
            profile.save(folder, self.rate)
            self.storage.keep(f"voices/{voice}")
            facts = _facts(voice, profile.facts(), time.time(), False)
            with self.engine.begin() as connection:
                connection.execute(insert(VOICES).values(id=voice, owner=owner, created=time.time(), facts=facts))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return facts

    def delete(self, voice: str, owner: str) -> None:
        """Forgets a voice, also in memory, and removes its files; raises ApiError 404, and 403 for one that is built in."""
        if voice in self._builtin():
            raise ApiError(403, "builtin_voice", "This voice comes with the server and cannot be deleted here.")
        self.get(voice, owner)
        with self.engine.begin() as connection:
            connection.execute(delete(VOICES).where(VOICES.c.id == voice, VOICES.c.owner == owner))
        self._load.cache_clear()
        self.storage.delete(f"voices/{voice}")

    def ids(self) -> set[str]:
        """Of all cloned voices."""
        with self.engine.connect() as connection:
            return {row.id for row in connection.execute(select(VOICES.c.id))}

    def _builtin(self) -> dict[str, Path]:
        """id -> folder. An id is looked up here, never joined to a path."""
        found = sorted(self.builtin.glob("*/voice.json")) if self.builtin.is_dir() else []
        return {path.parent.name: path.parent for path in found if not OURS.fullmatch(path.parent.name)}


def _facts_of_folder(folder: Path) -> dict[str, Any]:
    made = folder / "voice.json"
    facts = read_json(made, "autovoice clone")
    if not isinstance(facts, dict) or "verdict" not in facts:
        raise DataError("is not a voice", folder.name, "clone it again")
    facts |= {"adapted": (folder / "weights.safetensors").is_file()}
    facts |= {"consent_id": consent_id_of(facts.get("consent", ""), facts.get("consent_sha256", ""))}
    return _facts(folder.name, facts, made.stat().st_mtime, True)


def _facts(voice: str, facts: dict[str, Any], created: float, builtin: bool) -> dict[str, Any]:
    when = datetime.fromtimestamp(created, UTC).isoformat(timespec="seconds")
    return {"id": voice, **{name: facts[name] for name in NAMES}, "created": when, "builtin": builtin}
