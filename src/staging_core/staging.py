"""``Staging``: the one object callers hold. It opens everything, and closes it in reverse."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .acting import Acting
from .config import Settings
from .database import accounts, schema
from .database.engine import open_database
from .download import Downloads, Posts
from .errors import HomeUnwritable, SettingError, StagingError
from .hooks import Hooks
from .imaging.decoder import Decoder
from .interfaces import Authenticator, Consumes, LimitsRates, Signals, Telemetry, supports
from .interfaces.opening import Role
from .key_book import StoredKeys
from .levels import telling_levels
from .live import Live
from .models import Actor, Callback, Credentials, Principal, check_role, check_scope
from .operating import Operating
from .payments.following import Following
from .payments.overage import check_paid
from .payments.publishing import check_prices
from .payments.reports import Reports
from .payments.taking import check_way_back
from .pipeline import Pipeline
from .plugins import load_plugins
from .ports import Ports, holding, limits_of
from .rates import Rates
from .readiness import Readiness
from .recent import Recent
from .reception import Received, Reception
from .recovery import Recovery
from .registry import Registry
from .relay import Relay
from .sign_in import SignIn
from .signed_objects import SignedObjects
from .stagers import open_stagers
from .standings import KeptStandings, charged_by
from .telemetry import SILENT, tell_moves
from .tickets import redeem
from .watch import Watch
from .webhooks import Sender
from .worker import Worker, running

if TYPE_CHECKING:
    from .remote import Remote

OWNER = Principal(account_id="local", user_id="owner", role="operator")
"""The one owner of an embedded installation, who also operates it."""

_SENDING_S = 5.0  # of a sweep that a host asks for: it is not held up by endpoints


class Staging:
    """An installation: its settings, plugins, backends and database.

    Keywords are the settings (``storage=``, ``stager=`` ...); the environment is not read, see
    ``from_env``. In place of a URL stands an opener, or an open object, which stays the host's.
    Plugins load here, so a broken one is named before anything is opened. ``worker``: whether an
    open ``Staging`` also works on jobs; by default exactly when its queue is ``local:``. ``role``:
    what backends are told that this process is for; ``worker`` where it works, else ``api``.
    """

    def __init__(
        self, *, worker: bool | None = None, role: Role | None = None, **settings: Any
    ) -> None:
        self._set_up(Settings.from_keywords(**settings), worker, role)

    @classmethod
    def from_env(
        cls, *, worker: bool | None = None, role: Role | None = None, file: Path | None = None
    ) -> Self:
        """An installation as ``STAGING_*`` variables and ``staging.toml`` describe it."""
        staging = cls.__new__(cls)
        staging._set_up(Settings.from_env(os.environ, file), worker, role)
        return staging

    @classmethod
    @asynccontextmanager
    async def local(cls, **settings: Any) -> AsyncIterator[Acting]:
        """Open an embedded installation and act as its one owner."""
        async with cls(**settings) as staging:
            yield staging.acting_as(OWNER)

    @staticmethod
    def connect(
        url: str, *, token: str | None = None, timeout_s: float = 60.0, patience_s: float = 60.0
    ) -> Remote:
        """An installation elsewhere, over HTTP; see ``Remote``. ``BadInput`` for the arguments."""
        from .remote import Remote

        return Remote(url, token, timeout_s=timeout_s, patience_s=patience_s)

    def _set_up(self, settings: Settings, worker: bool | None, role: Role | None) -> None:
        self.settings = settings
        self.hooks = Hooks(load_plugins(settings.plugins), settings.hook_time_limit_s)
        self.registry = Registry(self.hooks, settings)
        self._works = str(settings.queue).startswith("local:") if worker is None else worker
        self._role: Role = role or ("worker" if self._works else "api")
        self._stack: AsyncExitStack | None = None
        self._ports: Ports | None = None
        self._watch: Watch | None = None
        self._live: Live | None = None
        self._rates: Rates | None = None
        self._readiness: Readiness | None = None
        self._recovery: Recovery | None = None
        self._reception: Reception | None = None
        self._following: Following | None = None
        self._reports: Reports | None = None
        self._sign_in: SignIn | None = None

    # --- open and close -------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._stack is not None:
            raise StagingError("This Staging is open already.", remedy="Open it once, share it.")
        async with AsyncExitStack() as stack:
            self._ports = await self._open(stack)
            self._watch = Watch(self._ports.database, self._relay(self._ports))
            await stack.enter_async_context(self._watch)
            self._live = Live(self._ports.database, self._watch)
            await stack.enter_async_context(self._live)
            self._rates = Rates(self._ports, supports(self._ports.queue, LimitsRates))
            self._readiness = Readiness(self._ports)
            tell_moves(self._ports)
            await stack.enter_async_context(telling_levels(self._ports))
            self._recovery = Recovery(self._ports)
            self._reception = Reception(self._ports)
            self._following, self._reports = Following(self._ports), Reports(self._ports)
            await stack.enter_async_context(self._following.running())
            stack.push_async_callback(self._recovery.give_back)
            await self.hooks.startup(self)
            stack.push_async_callback(self.hooks.shutdown, self)
            if self._works:
                working = running(Worker(self._ports, self._recovery))
                self._readiness.working = await stack.enter_async_context(working)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        stack, self._stack = self._stack, None
        assert stack is not None
        try:
            await stack.__aexit__(kind, error, trace)
        finally:
            self._ports = self._watch = self._live = self._rates = self._sign_in = None
            self._readiness = self._recovery = self._reception = None
            self._following = self._reports = None

    async def _open(self, stack: AsyncExitStack) -> Ports:
        settings = self.settings
        role = self._role
        telemetry = stack.enter_context(self.hooks.telemetry(role, settings))
        _make_home(settings.home)
        database = await stack.enter_async_context(open_database(settings))
        await schema.bring_up_to_date(database)
        storage = await self.registry.open("storage", settings.storage, stack=stack, role=role)
        queue = await self.registry.open("queue", settings.queue, stack=stack, role=role)
        standings = KeptStandings(database, settings.plans, settings.default_plan)
        self.registry.standings = standings
        billing = await self.registry.open("billing", settings.billing, stack=stack, role=role)
        standings.charged_by = charged_by(billing)
        if role != "tool":
            check_way_back(billing, settings)
            check_paid(billing, settings)
            await check_prices(billing, settings)
        recent = Recent()
        self.registry.keys = StoredKeys(database, recent)
        authenticators = [
            await self.registry.open("auth", choice, stack=stack, role=role)
            for choice in settings.auth
        ]
        self._sign_in = SignIn(database, authenticators, recent)
        if self._works and supports(queue, Consumes) is None:
            raise SettingError("The queue cannot hand out work, so no worker can run on it.")
        decoder = Decoder(
            processes=settings.picture_processes,
            limits=limits_of(settings),
            max_output_bytes=settings.max_output_bytes,
        )
        downloads = Downloads(max_bytes=settings.max_output_bytes)
        return Ports(
            settings=settings,
            database=database,
            storage=storage,
            queue=queue,
            billing=billing,
            stagers=await open_stagers(self.registry, settings, stack, role),
            hooks=self.hooks,
            decoder=await stack.enter_async_context(decoder),
            downloads=await stack.enter_async_context(downloads),
            posts=await stack.enter_async_context(Posts(hosts=settings.webhook_hosts)),
            telemetry=telemetry,
            recent=recent,
            pictures=holding(settings.picture_processes),
        )

    def _relay(self, ports: Ports) -> Relay | None:
        """By the queue's signals, where they reach other processes."""
        local = str(self.settings.queue).startswith("local:")
        signals = None if local else supports(ports.queue, Signals)
        return None if signals is None else Relay(signals, self.settings.signing_key)

    @property
    def ports(self) -> Ports:
        """The open backends; ``StagingError`` while this is not open."""
        if self._ports is None:
            raise _not_open()
        return self._ports

    @property
    def telemetry(self) -> Telemetry:
        """Where it tells what it does: nowhere unless a plugin gives telemetry and it is open."""
        return SILENT if self._ports is None else self._ports.telemetry

    # --- act ------------------------------------------------------------------------------------

    def acting_as(self, principal: Principal, *, request_id: str | None = None) -> Acting:
        """Everything ``principal`` may do, in its own account only.

        ``request_id``: of the request that asks for it; the audit log keeps it.

        One from an authenticator of your own that has an ``identity`` goes through ``authenticate``
        first, which gives it its user; ``BadInput`` without an account.
        """
        ports = self.ports
        accounts.check(principal.account_id)
        assert self._watch is not None
        assert self._live is not None
        return Acting(ports, self._watch, self._live, principal, request_id=request_id)

    def operating(
        self, operator: str, *, account_id: str | None = None, request_id: str | None = None
    ) -> Operating:
        """Everything an operator of the installation may do, across accounts.

        ``operator``: who it is; events and the audit log keep the name, and with it whose user
        that is and the request, where they are given. Whoever may call this is for the caller to
        judge.
        """
        ports = self.ports
        assert self._watch is not None
        assert self._live is not None
        actor = Actor(user_id=operator, account_id=account_id, request_id=request_id)
        return Operating(ports, self._watch, self._live, actor)

    def operating_as(self, principal: Principal, *, request_id: str | None = None) -> Operating:
        """As ``operating``, for a principal who is an operator; ``Forbidden`` for all others."""
        check_role(principal, "operator")
        check_scope(principal, "installation:operate")
        return self.operating(
            principal.user_id, account_id=principal.account_id, request_id=request_id
        )

    @property
    def authenticators(self) -> tuple[Authenticator, ...]:
        """Those of the setting ``auth``, open, in its order; ``StagingError`` while this is not."""
        if self._sign_in is None:
            raise _not_open()
        return self._sign_in.authenticators

    @property
    def signed_objects(self) -> SignedObjects:
        """What signed addresses of our own lead to, for a server to serve."""
        return SignedObjects(self.ports)

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """Who it is, by the first authenticator that knows; None when none does.

        A person whom an authenticator vouches for gets a user at first sight, in the shared account
        that it names or in one of their own; their role is the higher of what it says and what was
        granted here. ``Unauthorized`` when one says that the credentials are its own and wrong,
        ``SignInUnavailable`` when that cannot be told now.
        """
        if self._sign_in is None:
            raise _not_open()
        return await self._sign_in.principal(credentials)

    async def redeem(self, ticket: str) -> Principal:
        """Whose ticket it is, held to event streams; it is used up by this.

        ``Unauthorized`` for one that is unknown, used, or older than 30 seconds.
        """
        return await redeem(self.ports.database, ticket)

    @property
    def rates(self) -> Rates:
        """How often a principal or an address may ask; for those who serve requests."""
        if self._rates is None:
            raise _not_open()
        return self._rates

    async def readiness(self) -> dict[str, str]:
        """Whether the backends answer, by setting: ``ok``, or what fails in a plain phrase.

        ``worker`` stands there only where one of its own has ended, and nobody works.
        """
        if self._readiness is None:
            raise _not_open()
        return await self._readiness.checks()

    # --- work -----------------------------------------------------------------------------------

    async def run_worker(
        self,
        *,
        until_idle: bool = False,
        lanes: Collection[str] = (),
        concurrency: int | None = None,
    ) -> None:
        """Work on jobs until cancelled; with ``until_idle`` until none is left to work on.

        ``lanes``: only on jobs of the models in these. ``concurrency``: steps at a time, by default
        ``worker_concurrency``. When cancelled, running steps get ``shutdown_s``, what is left goes
        back to the queue; when cancelled again, it goes back at once.
        """
        worker = Worker(self.ports, self._sweeper, lanes=lanes, concurrency=concurrency)
        await (worker.run_until_idle() if until_idle else worker.run())

    async def work(self, job_id: str) -> bool:
        """Carry this one job as far as it goes; False when it wants no worker or somebody has it.

        For hosts with a queue of their own: their task calls this.
        """
        return await Pipeline(self.ports).work(job_id)

    async def receive(self, callback: Callback, *, attempt_id: str | None = None) -> Received:
        """Take what a provider reports on its own; ``duplicate`` when it was here before.

        ``attempt_id``: from the address that the report was sent to; without it every open model
        is asked whose it is. ``InvalidSignature`` (401) for what is forged or stale,
        ``InvalidCallback`` (400) for what is malformed or too large, ``NotFound`` for an attempt
        that is none: then nothing is kept but a count in ``callbacks_turned_away``.
        """
        if self._reception is None:
            raise _not_open()
        return await self._reception.receive(callback, attempt_id)

    @property
    def callbacks_turned_away(self) -> dict[str, int]:
        """How many callbacks this process did not take, by error code."""
        return {} if self._reception is None else dict(self._reception.turned_away)

    async def receive_payment(self, callback: Callback) -> Received:
        """Take what the payment provider reports; ``duplicate`` when it was here before.

        It is kept, then this answers; what it is about is looked at afterwards. Errors as of
        ``receive``, counted in ``payments_turned_away``; ``ServiceUnavailable`` without a provider.
        """
        if self._reports is None or self._following is None:
            raise _not_open()
        received = await self._reports.receive(callback)
        self._following.wake()
        return received

    @property
    def payments_turned_away(self) -> dict[str, int]:
        """How many reports of the payment provider this process did not take, by error code."""
        return {} if self._reports is None else dict(self._reports.turned_away)

    async def sweep(self, *, bucket: bool = False) -> dict[str, int]:
        """Do once what a worker's sweeps do; what was done, counted by name.

        What is due once an hour is done by the first call after it; with ``bucket``, now.
        ``failed`` counts what did not work; the log names it, and the rest is done.
        """
        done = await self._sweeper.sweep(bucket=bucket)
        done["observed"] = await self._sweeper.observe()
        done["webhooks"] = await Sender(self.ports).send_due(within_s=_SENDING_S)
        return done

    @property
    def _sweeper(self) -> Recovery:
        """One per installation and process: it owns the process's leases."""
        if self._recovery is None:
            raise _not_open()
        return self._recovery


def _not_open() -> StagingError:
    return StagingError("This Staging is not open.", remedy="Use it in `async with Staging(...)`.")


def _make_home(home: Path) -> None:
    try:
        home.expanduser().mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise HomeUnwritable(f"The home folder {home} cannot be made: {wrong.strerror}.") from wrong
