"""Ratings of results."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from autovoice.serving.faults import ApiError
from autovoice.serving.routes.asking import ERRORS, MayAdmin, MayConvert, Ready

router = APIRouter(prefix="/v1", tags=["ratings"], responses=ERRORS)


class Rating(BaseModel):
    """What a listener says of a result."""

    model_config = ConfigDict(extra="forbid")
    job: Annotated[str, Field(max_length=64)]
    stars: int = Field(ge=1, le=5)
    comment: str = Field("", max_length=2000)


@router.post("/ratings", status_code=201)
def rate(server: Ready, caller: MayConvert, rating: Rating) -> dict[str, int]:
    """Keeps a rating, in place of an earlier one of that result."""
    row = server.jobs.get(rating.job, caller.owner)
    if row["status"] != "done" or row["kind"] == "evaluate":
        raise ApiError(409, "no_result", "This job has no result to rate.")
    server.ratings.put(row, rating.stars, rating.comment)
    server.telemetry.ratings.labels(row["preset"], str(rating.stars)).inc()
    return {"stars": rating.stars}


@router.get("/ratings.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def ratings(server: Ready, caller: MayAdmin) -> Response:
    """All ratings as a table."""
    name = {"Content-Disposition": 'attachment; filename="ratings.csv"'}
    return Response(server.ratings.csv(), media_type="text/csv; charset=utf-8", headers=name)
