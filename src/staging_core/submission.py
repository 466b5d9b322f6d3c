"""Submitting: everything that can be wrong is found first, then ONE transaction accepts it all."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from .creation import check_key, telling_again
from .database import accounts, creations, images, jobs, projects
from .database.engine import Transaction
from .database.row import Row
from .errors import (
    IdempotencyMismatch,
    StagingError,
    TooManyQueued,
    UnknownModel,
    UsageLimitExceeded,
    ValidationFailed,
)
from .honour import check_honoured
from .imaging.intake import Examined
from .interfaces import Defers, Stager
from .models import (
    Group,
    Principal,
    StageRequest,
    Wake,
    check_room,
    check_style,
)
from .ports import Ports
from .reservation import MOST_QUOTES, Stale, hold, quoted
from .reserving import Reserved, reserving
from .runtime_settings import active_model, configured_options, current
from .source import OriginalGone, Source

log = logging.getLogger("staging_core")

MAX_VARIANTS = 20
_SEEDS = 2**32 - 1
_PART = re.compile(r" - at `\$\.([^`]+)`")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of ``submit`` asks for, before it is checked."""

    room: str
    style: str
    variants: int = 1
    seed: int | None = None
    prompt: str | None = None
    furniture: tuple[str, ...] = ()
    model: str | None = None
    options: Mapping[str, Any] = {}

    @classmethod
    def of(cls, **values: Any) -> Wish:
        """The wish with these values; ``ValidationFailed`` for a wrong type or what is no JSON."""
        try:
            wish = msgspec.convert(values, cls)
            msgspec.json.encode(wish)
        except (msgspec.ValidationError, TypeError, UnicodeEncodeError) as wrong:
            raise _invalid(wrong) from wrong
        return wish

    def requests(self) -> tuple[StageRequest, ...]:
        """One request a variant: seeds count up from the given or a random one."""
        if not 1 <= self.variants <= MAX_VARIANTS:
            told = f"`variants` is 1 to {MAX_VARIANTS}, not {self.variants}."
            raise ValidationFailed(told, fields={"variants": told})
        first = secrets.randbelow(_SEEDS) + 1 if self.seed is None else self.seed
        return tuple(self._request(n, first) for n in range(self.variants))

    def _request(self, variant: int, first_seed: int) -> StageRequest:
        in_range = 1 <= first_seed <= _SEEDS
        values = {
            "room": check_room(self.room),
            "style": check_style(self.style),
            "seed": (first_seed - 1 + variant) % _SEEDS + 1 if in_range else first_seed,
            "variant": variant,
            "prompt": self.prompt,
            "furniture": self.furniture,
            "model": self.model,
            "options": dict(self.options),
        }
        try:
            return msgspec.convert(values, StageRequest)
        except msgspec.ValidationError as wrong:
            raise _invalid(wrong) from wrong


def _invalid(wrong: Exception) -> ValidationFailed:
    """What msgspec says of a wish, with the part that it names."""
    part = _PART.search(str(wrong))
    told = f"The request is not valid: {wrong}."
    return ValidationFailed(told, fields={part[1] if part else "options": told})


class Asked(NamedTuple):
    """A request that is accepted. ``configured``: options that are an operator's, by name."""

    request: StageRequest
    configured: list[str]


class Submission:
    """One call of ``submit`` on its way to being accepted."""

    def __init__(
        self,
        ports: Ports,
        principal: Principal,
        key: str | None,
        *,
        project_id: str | None = None,
    ) -> None:
        self.ports = ports
        self.principal = principal
        self.account_id = accounts.check(principal.account_id)
        self.key = check_key(key)
        self.project_id = project_id

    async def submit(self, source: Source, wish: Wish) -> Group:
        """Accept the wish whole, or raise and leave nothing behind.

        A repeat under the same idempotency key answers the first call's group.
        """
        requests = wish.requests()
        fingerprint = _fingerprint(await source.identity(), wish, self.project_id)
        replayed = await self._replay(fingerprint)
        if replayed is not None:
            return replayed
        asked = await self._checked(requests, await source.look())
        await source.decode()
        most = await current(self.ports, "max_queued")
        try:
            group, replayed_late = await self._stored(source, asked, fingerprint, most)
        except StagingError:
            await source.let_go()
            raise
        return msgspec.structs.replace(group, replayed=replayed_late)

    async def _stored(
        self,
        source: Source,
        asked: tuple[Asked, ...],
        fingerprint: str,
        most: int,
    ) -> tuple[Group, bool]:
        """Accepted with its photo in the storage, and at a price that still holds."""
        for _ in range(MOST_QUOTES):
            what = _model(asked[0].request), len(asked)
            quote = await quoted(self.ports, self.account_id, *what)
            with suppress(Stale):
                async with reserving(self.ports, self.account_id, quote, *what) as reserved:
                    return await self._accepted(source, asked, fingerprint, reserved, most)
        raise UsageLimitExceeded("Others of the account were faster, again and again.")

    async def _accepted(
        self,
        source: Source,
        asked: tuple[Asked, ...],
        fingerprint: str,
        reserved: Reserved,
        most: int,
    ) -> tuple[Group, bool]:
        while True:
            await source.store()
            with suppress(OriginalGone):
                return await self._accept(source, asked, fingerprint, reserved, most)

    async def _checked(
        self, requests: tuple[StageRequest, ...], examined: Examined
    ) -> tuple[Asked, ...]:
        """Each request as plugins leave it, its model named and configured; nothing is stored."""
        checked = []
        for wished in requests:
            request = await self.ports.hooks.before_submit(wished, self.principal)
            model = request.model or await active_model(self.ports)
            card = open_model(self.ports, model).card
            configured = await configured_options(self.ports, card)
            names = sorted(configured.keys() - request.options.keys())
            options = {**configured, **request.options}
            request = msgspec.structs.replace(request, model=model, options=options)
            check_honoured(card, request, width=examined.width, height=examined.height)
            checked.append(Asked(request, names))
        return tuple(checked)

    # --- the one transaction --------------------------------------------------------------------

    async def _accept(
        self,
        source: Source,
        asked: tuple[Asked, ...],
        fingerprint: str,
        reserved: Reserved,
        most: int,
    ) -> tuple[Group, bool]:
        """Original, group, images, jobs and events; then a nudge. True: it was there already."""
        group_id = str(uuid4())
        async with self.ports.database.write(self.account_id) as tx:
            queued = await accounts.ensure(tx, self.account_id)
            earlier = await self._earlier(tx, fingerprint)
            if earlier is not None:
                return await self._group(tx, earlier["id"]), True
            if self.project_id is not None:
                await projects.hold(tx, self.account_id, self.project_id)
            check_depth(queued, len(asked), most=most)
            held = await hold(tx, self.ports, self.account_id, reserved.quote, len(asked))
            await reserved.keep(tx)
            original_id = await source.keep(tx)
            await images.add_group(
                tx,
                id=group_id,
                account_id=self.account_id,
                original_id=original_id,
                idempotency_key=self.key,
                fingerprint=fingerprint,
                quote=msgspec.to_builtins(reserved.quote),
            )
            wakes = [
                await self._add_image(
                    tx,
                    each,
                    reserved_in=balance,
                    usage_period=held.period,
                    reservation_id=reservation,
                    group_id=group_id,
                    original_id=original_id,
                    original_url=source.original_url,
                    filename=source.filename,
                )
                for each, balance, reservation in zip(
                    asked, held.balances, reserved.by_image, strict=True
                )
            ]
            group = await self._group(tx, group_id)
        for each in asked:
            self.ports.telemetry.count("staging.jobs.submitted", model=_model(each.request))
        for wake in wakes:
            await nudge(self.ports, wake)
        return group, False

    async def _add_image(
        self,
        tx: Transaction,
        asked: Asked,
        *,
        reserved_in: str | None,
        usage_period: str | None,
        reservation_id: str | None,
        group_id: str,
        **values: Any,
    ) -> Wake:
        request = asked.request
        image_id, job_id, model = str(uuid4()), jobs.new_id(), _model(request)
        if asked.configured:
            values["configured"] = asked.configured
        lane = self.ports.stagers[model].card.lane
        owned: dict[str, Any] = {
            "account_id": self.account_id,
            "group_id": group_id,
            "project_id": self.project_id,
            "job_id": job_id,
        }
        await images.add(tx, request=request, id=image_id, **owned, **values)
        trace = self.ports.telemetry.current()
        await jobs.add(
            tx,
            image_id=image_id,
            model=model,
            lane=lane,
            trace=trace,
            reserved_in=reserved_in,
            usage_period=usage_period,
            reservation_id=reservation_id,
            **owned,
        )
        return Wake(job_id=job_id, lane=lane)

    # --- repeats --------------------------------------------------------------------------------

    async def _replay(self, fingerprint: str) -> Group | None:
        if self.key is None and self.project_id is None:
            return None
        async with self.ports.database.read(self.account_id) as tx:
            earlier = await self._earlier(tx, fingerprint)
            if earlier is not None:
                with telling_again(earlier["id"]):
                    group = await self._group(tx, earlier["id"])
                return msgspec.structs.replace(group, replayed=True)
            if self.project_id is not None:
                await projects.get(tx, self.account_id, self.project_id)
        return None

    async def _earlier(self, tx: Transaction, fingerprint: str) -> Row | None:
        """The group of this idempotency key; ``IdempotencyMismatch`` when it was another call."""
        if self.key is None:
            return None
        earlier = await images.find_group(tx, self.account_id, self.key)
        if earlier is None:
            await creations.check_free(tx, self.account_id, self.key)
        elif earlier["fingerprint"] != fingerprint:
            raise IdempotencyMismatch()
        return earlier

    async def _group(self, tx: Transaction, group_id: str) -> Group:
        return await images.of_group(tx, self.account_id, group_id)


async def nudge(ports: Ports, wake: Wake) -> bool:
    """Poke for a job that is in its row; False when the queue is away, and sweeps will find it."""
    try:
        await ports.queue.poke(wake)
    except Exception:
        log.warning("job %s: no nudge, a sweep will find it", wake.job_id, exc_info=True)
        return False
    return True


def check_depth(queued: int, more: int, *, most: int) -> None:
    """``TooManyQueued`` when with ``more`` jobs over ``most`` of the account would be waiting."""
    if queued + more > most:
        raise TooManyQueued(f"The account has {most} jobs waiting, which is the limit.")


def open_model(ports: Ports, name: str) -> Stager | Defers:
    """The open stager of that name; ``UnknownModel`` names those there are."""
    if name not in ports.stagers:
        raise UnknownModel(
            f"There is no model {name!r} here.",
            remedy=f"Choose one of {', '.join(ports.stagers)}.",
        )
    return ports.stagers[name]


def _fingerprint(identity: str, wish: Wish, project_id: str | None) -> str:
    """The same photo, wish (seed as given included) and project have the same one."""
    asked = msgspec.json.encode(wish, order="sorted") + (project_id or "").encode()
    return hashlib.sha256(identity.encode() + asked).hexdigest()


def _model(request: StageRequest) -> str:
    assert request.model is not None  # named by _checked
    return request.model
