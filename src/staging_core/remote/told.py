"""What answers say, as the library's own nouns. Members that are not known here are left."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, cast

import msgspec

from staging_core.acting import AttemptRecord
from staging_core.errors import AnswerNotUnderstood
from staging_core.models import (
    ApiKey,
    Image,
    Job,
    JobEvent,
    JobState,
    Principal,
    Project,
    StageRequest,
    Upload,
)

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z", re.ASCII)


def seconds(told: str) -> float:
    """Unix seconds of a time as RFC 3339 writes it in UTC, to the last digit that it has."""
    found = _TIME.fullmatch(told)
    try:
        if found is not None:
            whole = int(datetime.fromisoformat(f"{found[1]}+00:00").timestamp())
            return float(f"{whole}{found[2] or ''}")
    except (ValueError, OverflowError):
        pass
    raise AnswerNotUnderstood("The server tells a time that is none.")


def seconds_or_none(told: str | None) -> float | None:
    """The same, where there may be none."""
    return None if told is None else seconds(told)


class JobTold(msgspec.Struct, frozen=True, kw_only=True):
    """A job."""

    id: str
    image_id: str
    group_id: str
    state: str
    model: str
    attempts: int
    progress: float
    phase: str
    error_code: str | None
    message: str | None
    cost_usd: float
    timings_ms: dict[str, float]
    report: dict[str, Any]
    created_at: str
    updated_at: str
    finished_at: str | None

    def job(self, who: Principal) -> Job:
        """As the library says it."""
        same = (
            *("id", "image_id", "group_id", "model", "attempts", "progress", "phase"),
            *("message", "cost_usd", "timings_ms", "report"),
        )
        return Job(
            account_id=who.account_id,
            state=cast(JobState, self.state),
            error=self.error_code,
            created_at=seconds(self.created_at),
            updated_at=seconds(self.updated_at),
            finished_at=seconds_or_none(self.finished_at),
            **{name: getattr(self, name) for name in same},
        )


class ImageTold(msgspec.Struct, frozen=True, kw_only=True):
    """An image."""

    id: str
    group_id: str
    project_id: str | None
    original_id: str
    original_key: str
    original_url: str
    created_at: str
    variant: int
    job: JobTold
    room_type: str
    style: str
    seed: int
    prompt: str | None = None
    furniture: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    requested_model: str | None = None
    original_sha256: str = ""
    original_type: str = ""
    staged_key: str | None = None
    labelled_key: str | None = None
    thumbnail_key: str | None = None
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    filename: str | None = None
    replicate_prediction_id: str | None = None

    def image(self, who: Principal, *, replayed: bool = False) -> Image:
        """As the library says it."""
        same = (
            *("id", "group_id", "project_id", "original_id", "original_key", "original_sha256"),
            *("original_type", "staged_key", "labelled_key", "thumbnail_key", "content_type"),
            *("width", "height", "sha256", "filename"),
        )
        return Image(
            request=self._request(),
            job=self.job.job(who),
            created_at=seconds(self.created_at),
            original_url=None if self._is_ours() else self.original_url,
            handle=self.replicate_prediction_id,
            replayed=replayed,
            **{name: getattr(self, name) for name in same},
        )

    def _request(self) -> StageRequest:
        same = ("style", "seed", "variant", "prompt", "furniture", "options")
        return StageRequest(
            room=self.room_type,
            model=self.requested_model,
            **{name: getattr(self, name) for name in same},
        )

    def _is_ours(self) -> bool:
        """Whether the photo is named by the API, as the client had no address for it."""
        return self.original_url.endswith(f"/api/v1/images/{self.id}/pictures/original")


class EventTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the event log."""

    id: str
    image_id: str
    job_id: str
    group_id: str
    seq: int
    type: str
    state: str
    data: dict[str, Any]
    created_at: str

    def event(self, who: Principal) -> JobEvent:
        """As the library says it."""
        same = ("image_id", "job_id", "group_id", "seq", "type", "data")
        return JobEvent(
            position=position(self.id),
            account_id=who.account_id,
            state=cast(JobState, self.state),
            at=seconds(self.created_at),
            **{name: getattr(self, name) for name in same},
        )


def position(told: str) -> int:
    """A place in the account's events."""
    if not (told.isascii() and told.isdecimal() and len(told) <= 19):
        raise AnswerNotUnderstood("The server tells an event's id that is none.")
    return int(told)


class AttemptTold(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a job."""

    number: int
    state: str
    model: str
    handle: str | None
    error_code: str | None
    message: str | None
    cost_usd: float
    started_at: str
    finished_at: str | None

    def attempt(self) -> AttemptRecord:
        """As the library says it."""
        same = ("number", "state", "model", "handle", "message", "cost_usd")
        return AttemptRecord(
            error=self.error_code,
            started_at=seconds(self.started_at),
            finished_at=seconds_or_none(self.finished_at),
            **{name: getattr(self, name) for name in same},
        )


class ProjectTold(msgspec.Struct, frozen=True, kw_only=True):
    """A project."""

    id: str
    name: str
    user_id: str
    created_at: str

    def project(self, who: Principal, *, replayed: bool = False) -> Project:
        """As the library says it."""
        return Project(
            id=self.id,
            account_id=who.account_id,
            user_id=self.user_id,
            name=self.name,
            created_at=seconds(self.created_at),
            replayed=replayed,
        )


class UploadTold(msgspec.Struct, frozen=True, kw_only=True):
    """An upload."""

    id: str
    file_key: str
    filename: str
    content_type: str
    file_size: int
    complete: bool
    created_at: str
    expires_at: str | None
    url: str | None

    def upload(self, who: Principal, *, replayed: bool = False) -> Upload:
        """As the library says it."""
        same = ("id", "filename", "content_type", "complete", "url")
        return Upload(
            account_id=who.account_id,
            key=self.file_key,
            size=self.file_size,
            created_at=seconds(self.created_at),
            expires_at=seconds_or_none(self.expires_at),
            replayed=replayed,
            **{name: getattr(self, name) for name in same},
        )


class KeyTold(msgspec.Struct, frozen=True, kw_only=True):
    """An API key; ``secret`` only when it was just made."""

    id: str
    name: str
    prefix: str
    user_id: str
    scopes: tuple[str, ...]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    made_by: str | None = None
    secret: str = ""

    def __repr__(self) -> str:
        return f"KeyTold({self.id!r})"

    def key(self, who: Principal) -> ApiKey:
        """As the library says it."""
        same = ("id", "name", "prefix", "user_id", "scopes", "made_by")
        values: dict[str, Any] = {name: getattr(self, name) for name in same}
        for name in ("expires_at", "revoked_at", "last_used_at"):
            values[name] = seconds_or_none(getattr(self, name))
        return ApiKey(
            account_id=who.account_id,
            created_at=seconds(self.created_at),
            **values,
        )
