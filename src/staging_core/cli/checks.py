"""What ``staging doctor`` tries out."""

from __future__ import annotations

import hmac
import os
import platform
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from io import BytesIO
from uuid import uuid4

import msgspec

from staging_core import Staging, __version__
from staging_core.audit import Audit, Evidence, Violation
from staging_core.database import gates, spend
from staging_core.database.spend import Caps
from staging_core.errors import ObjectExists, SettingError, StagingError, StorageFull
from staging_core.interfaces import Creates, Inspects, ListsPrices, supports
from staging_core.models import Inspected
from staging_core.payments.overage import unpublished
from staging_core.payments.publishing import unlike
from staging_core.photo import once, read_object
from staging_core.spending import caps_of
from staging_core.standings import charged_by

from .failure import Failure, failure_from
from .reach import database_answers, reports_arrive, wake_arrives

_MARK = "installation"  # no sweep looks at it
_LEAST_FREE = 500_000_000  # bytes; a photo and its copies take up to 100 MB while they are made
_EXTRAS = {"heif": "pillow_heif", "accelerate": "embreex", "testing": "pytest"}
_SECRET_NAMES = ("_KEY", "_PASSWORD", "_SECRET", "_TOKEN")
_SHORTEST_SECRET = 8  # shorter ones stand in any text by chance


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried; ``failure``: it did not work; ``advice``: it could be better."""

    name: str
    message: str
    failure: Failure | None = None
    advice: str = ""

    @property
    def ok(self) -> bool:
        """Whether it worked."""
        return self.failure is None


async def audited() -> list[Violation]:
    """Everything that must not be; the environment's secrets are among what stands in no row."""
    async with Staging.from_env(worker=False) as staging:
        return await Audit(staging.ports).violations(Evidence(secrets=_secrets(os.environ)))


def _secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """What the environment keeps under a name that says so."""
    return tuple(
        value
        for name, value in environ.items()
        if name.upper().endswith(_SECRET_NAMES) and len(value) >= _SHORTEST_SECRET
    )


async def examined() -> list[Check]:
    """Everything that was tried, in order; what cannot be opened ends the list."""
    checks = [
        Check(name="version", message=f"staging-core {__version__}, Python {_python()}"),
        Check(name="extras", message=_extras()),
    ]
    try:
        staging = Staging.from_env(worker=False)
        checks.append(Check(name="settings", message=f"home {staging.settings.home}"))
        names = ", ".join(staging.hooks.plugins.names())
        checks.append(Check(name="plugins", message=names))
        async with staging:
            checks.append(Check(name="backends", message=f"open: {', '.join(_opened(staging))}"))
            for name, look in _LOOKS.items():
                checks.append(await _tried(name, look, staging))
            if (reports := reports_arrive(staging)) is not None:
                checks.append(_check_from(reports.name, reports))
            if charged_by(staging.ports.billing) is not None:
                checks.append(await _tried("overage", _overage, staging))
            if supports(staging.ports.billing, ListsPrices) is not None:
                checks.append(await _tried("prices", _prices, staging))
            checks += [await _gates(staging), await _alone(staging), *await _inspected(staging)]
    except StagingError as error:
        checks.append(_failed("open", error))
    return checks


async def _tried(name: str, look: Callable[[Staging], Awaitable[str]], staging: Staging) -> Check:
    try:
        return Check(name=name, message=await look(staging))
    except StagingError as error:
        return _failed(name, error)


def _failed(name: str, error: StagingError) -> Check:
    return Check(name=name, message=error.message, failure=failure_from(error))


async def _inspected(staging: Staging) -> list[Check]:
    """What the backends themselves find when they look around."""
    ports = staging.ports
    backends: list[tuple[str, object]] = [("storage", ports.storage), ("queue", ports.queue)]
    backends += ports.stagers.items()
    backends += [("auth", authenticator) for authenticator in staging.authenticators]
    checks = []
    for name, backend in backends:
        if (inspects := supports(backend, Inspects)) is not None:
            found = await inspects.inspect()
            checks += [_check_from(f"{name}: {each.name}", each) for each in found]
    return checks


def _check_from(name: str, found: Inspected) -> Check:
    if found.level == "wrong":
        return _failed(name, StagingError(found.message, remedy=found.remedy))
    return Check(name=name, message=found.message, advice=found.remedy)


async def _disk(staging: Staging) -> str:
    free = shutil.disk_usage(staging.settings.home).free
    if free < _LEAST_FREE:
        raise StorageFull(f"Only {free / 1e6:.0f} MB are free under the home.")
    return f"{free / 1e9:.1f} GB free under the home"


async def _storage(staging: Staging) -> str:
    """Put, read and delete one object."""
    storage, key, data = staging.ports.storage, f"doctor/{uuid4().hex}", uuid4().bytes
    await storage.put(key, once(data), content_type="application/octet-stream")
    try:
        if await read_object(storage, key) != data:
            raise StagingError("The storage gave back other bytes than it was given.")
    finally:
        await storage.delete(key)
    return "wrote, read and deleted an object"


async def _gates(staging: Staging) -> Check:
    """Providers and models of which no job is started now, since they turn us away or fail."""
    async with staging.ports.database.read() as tx:
        closed = await gates.closed(tx)
    if not closed:
        return Check(name="gates", message="every provider and every model may be asked")
    shown = ", ".join(f"{name} for {seconds:.0f} s" for name, seconds in closed.items())
    return Check(
        name="gates",
        message=f"jobs wait, since these are left alone: {shown}",
        advice="Nothing to do for a minute or two; after that the log of the workers says why.",
    )


async def _alone(staging: Staging) -> Check:
    """Mark the place as this installation's: a second one would sweep away the first one's objects.

    The mark is made of the secret key, which all processes of an installation share.
    """
    try:
        mine = await _claimed(staging)
    except StagingError as error:
        return _failed("storage: alone", error)
    if mine:
        return Check(name="storage: alone", message="no other installation keeps objects there")
    return Check(
        name="storage: alone",
        message="Another installation, or one with another secret key, keeps its objects there.",
        advice="Give each its own folder or prefix in the setting `storage`; if there is only one, "
        f"delete the object `{_MARK}` there.",
    )


async def _claimed(staging: Staging) -> bool:
    storage, key = staging.ports.storage, staging.settings.signing_key().encode()
    mark = hmac.digest(key, b"installation", "sha256").hex().encode()
    put = storage.put if (creates := supports(storage, Creates)) is None else creates.create
    with suppress(ObjectExists):
        if await storage.stat(_MARK) is None:
            await put(_MARK, once(mark), content_type="text/plain")
    return await read_object(storage, _MARK) == mark


async def _spend(staging: Staging) -> str:
    """What of the caps is spent, and whether a job of each model fits under them at all."""
    caps = await caps_of(staging.ports)
    for name, stager in staging.ports.stagers.items():
        for setting, cap in caps._asdict().items():
            if cap is not None and cap < stager.card.price.usd:
                raise StagingError(
                    f"A picture of {name} costs {stager.card.price.usd:g} USD; `{setting}` is "
                    f"{cap:g} USD, so none is ever made.",
                    remedy=f"Raise `{setting}`, or leave the model out of `stager`.",
                )
    if caps == Caps():
        return "no cap on what models may cost"
    async with staging.ports.database.read() as tx:
        spent = await spend.today(tx)
    cap = "no cap" if caps.daily_spend_usd is None else f"of {caps.daily_spend_usd:g} USD"
    return f"{spent:.2f} USD are taken today, {cap}"


async def _pictures(staging: Staging) -> str:
    """Decode a picture in a child process."""
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (64, 48), "white").save(buffer, "JPEG")
    copy = await staging.ports.decoder.working_copy(buffer.getvalue())
    return f"decoded a picture of {copy.width} x {copy.height} pixels"


async def _overage(staging: Staging) -> str:
    """Whether what is had beyond plans has a price at the provider, without which it is not had."""
    if missing := await unpublished(staging.ports):
        raise SettingError(
            f"Nothing is sold beyond {', '.join(missing)}: the provider has no price for it.",
            remedy="Run `staging billing plans push`, or set overage_price_id of each.",
        )
    return "what is had beyond plans has its price"


async def _prices(staging: Staging) -> str:
    """Whether the provider charges by the prices that the settings name what they say."""
    if wrong := await unlike(staging.ports):
        raise SettingError(
            " ".join(wrong),
            remedy="Name the price of that amount, or have `staging billing plans push` make it.",
        )
    return "what is sold costs what the settings say"


_LOOKS: dict[str, Callable[[Staging], Awaitable[str]]] = {
    "disk": _disk,
    "database": database_answers,
    "queue": wake_arrives,
    "storage": _storage,
    "pictures": _pictures,
    "spend": _spend,
}


def _opened(staging: Staging) -> list[str]:
    settings = staging.settings
    chosen = [*settings.stager, settings.storage, settings.queue, *settings.auth, settings.billing]
    return [str(choice) for choice in chosen]


def _extras() -> str:
    found = [name for name, module in _EXTRAS.items() if find_spec(module) is not None]
    return f"installed: {', '.join(found) or 'none'}"


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"
