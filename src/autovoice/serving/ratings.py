"""What listeners say of results: 1 to 5 stars and a comment, given on purpose, one a result."""

import csv
import io
import time
from datetime import UTC, datetime

from sqlalchemy import Engine, RowMapping, delete, insert, select

from autovoice.serving.database import RATINGS

COLUMNS = ("created", "job", "kind", "voice", "preset", "stars", "comment")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet would take a comment for a formula


class Ratings:
    """The table of ratings."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def put(self, job: RowMapping, stars: int, comment: str) -> None:
        """Keeps a rating, in place of an earlier one of that job."""
        row = {name: job[name] for name in ("owner", "kind", "voice", "preset")}
        row |= {"job": job["id"], "stars": stars, "comment": comment, "created": time.time()}
        with self.engine.begin() as connection:
            connection.execute(delete(RATINGS).where(RATINGS.c.job == job["id"]))
            connection.execute(insert(RATINGS).values(row))

    def csv(self) -> str:
        """All of them, a row each, oldest first; times in UTC."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(RATINGS).order_by(RATINGS.c.created)).mappings().all()
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            when = datetime.fromtimestamp(row["created"], UTC).isoformat(timespec="seconds")
            comment = f"'{row['comment']}" if row["comment"].startswith(FORMULA) else row["comment"]
            writer.writerow([when, *(row[name] for name in COLUMNS[1:-1]), comment])
        return out.getvalue()
