"""API keys: who asks, and what for. Kept as hashes; a key is shown once, when it is made."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, RowMapping, delete, insert, select
from sqlalchemy.exc import IntegrityError

from autovoice.errors import DataError
from autovoice.serving.database import KEYS
from autovoice.serving.faults import ApiError

SCOPES = ("convert", "voices", "admin")
PREFIX, LOCAL = "av", "local"


@dataclass(frozen=True)
class Caller:
    """Who asks: the id of a key, or `local`; owner of what it makes."""

    owner: str
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        """Raises ApiError 403 without the scope."""
        if scope not in self.scopes:
            raise ApiError(403, "forbidden", f"This key may not do that: it lacks the scope {scope}.")


class Keys:
    """The table of keys. A key has 256 random bits, so that one round of SHA-256 is enough: there is nothing to guess."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, name: str, scopes: Sequence[str]) -> str:
        """-> a new key; raises DataError for a name that is taken or no plain one, and for an unknown scope."""
        if not name.isprintable() or not 0 < len(name) <= 64:
            raise DataError("is not a usable name", repr(name), "use 1 to 64 printable characters")
        if wrong := [scope for scope in scopes if scope not in SCOPES]:
            raise DataError(f"no such scope as {wrong[0]}", name, f"choose from {', '.join(SCOPES)}")
        key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        row = {
            "id": key_id,
            "name": name,
            "sha256": _sha256(secret),
            "scopes": sorted(set(scopes)),
            "created": time.time(),
        }
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(KEYS).values(row))
        except IntegrityError as error:
            raise DataError("a key of that name exists", name, "choose another name, or remove that one") from error
        return f"{PREFIX}_{key_id}_{secret}"

    def remove(self, name: str) -> None:
        """Ends a key; raises DataError where there is none of that name."""
        with self.engine.begin() as connection:
            if not connection.execute(delete(KEYS).where(KEYS.c.name == name)).rowcount:
                raise DataError("no such key", name, "see autovoice keys list")

    def all(self) -> Sequence[RowMapping]:
        """Every key's id, name, scopes and time; none of them is a secret."""
        with self.engine.connect() as connection:
            columns = (KEYS.c.id, KEYS.c.name, KEYS.c.scopes, KEYS.c.created)
            return connection.execute(select(*columns).order_by(KEYS.c.created)).mappings().all()

    def caller(self, key: str) -> Caller:
        """Who holds a key; raises ApiError 401. Takes as long for a wrong secret as for a right one."""
        prefix, _, rest = key.partition("_")
        key_id, _, secret = rest.partition("_")
        with self.engine.connect() as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.id == key_id[:16])).mappings().first()
        known = row["sha256"] if row else _sha256("")
        same = hmac.compare_digest(known, _sha256(secret))
        if prefix != PREFIX or row is None or not same:
            raise unauthorised("bad_key", "This key is not known here; it may have been removed.")
        return Caller(row["id"], frozenset(row["scopes"]))


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def unauthorised(code: str, message: str) -> ApiError:
    """A 401, new each time: one that is raised again keeps the frames of all earlier times, and the keys in them."""
    return ApiError(401, code, message, {"WWW-Authenticate": "Bearer"})


def everyone() -> Caller:
    """Who asks from this computer, where no key is needed."""
    return Caller(LOCAL, frozenset(SCOPES))
