"""Every setting: its name, its default and what it means.

The same name everywhere: keyword ``storage=``, variable ``STAGING_STORAGE``, key ``storage`` in
``staging.toml``. A library must not read a host's environment unasked, so ``from_keywords`` never
does; ``from_env`` is for the command line and the server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from staging_core.errors import MissingSetting, SettingError
from staging_core.models import USUAL_PLANS, Pack, Plan
from staging_core.nearest import nearest

from .signing_key import home_key
from .sources import from_file, from_variables, settings_file
from .values import Given, SettingRow, read_table, read_value, setting_rows, shown

Seconds = Annotated[float, Meta(gt=0, lt=1e9)]
Share = Annotated[float, Meta(gt=0, le=1)]
Usd = Annotated[float, Meta(ge=0, le=1e9)]
Count = Annotated[int, Meta(ge=1, le=2**53)]
S = TypeVar("S")


def _spare_cores() -> int:
    """All cores but one, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)) - 1)
    return max(1, (os.cpu_count() or 1) - 1)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All choices of one installation. Made by ``from_keywords`` or ``from_env``, which validate.

    Where a backend is chosen, an opener (a callable) or an open object may stand in place of a URL;
    an open object belongs to the host and is not closed. ``repr`` shows no secret.
    """

    home: Annotated[
        Path, Meta(description="Folder of this installation; every default path lies under it.")
    ] = Path(".staging")
    database: Annotated[
        str,
        Meta(description="SQLAlchemy URL of the database; SQLite under the home when not given."),
    ] = ""
    database_schema: Annotated[
        str | None, Meta(description="Database schema that the tables live in (Postgres).")
    ] = None
    database_admin: Annotated[
        str | None,
        Meta(description="URL of the owner that migrates; the same as `database` when not given."),
    ] = None
    database_app_role: Annotated[
        str,
        Meta(description="Role of one account's work; it sees that account's rows (Postgres)."),
    ] = "staging_app"
    database_system_role: Annotated[
        str,
        Meta(description="Role of the engine's own work across accounts (Postgres)."),
    ] = "staging_system"
    database_pool: Annotated[
        Count, Meta(description="Connections that one process keeps at most (Postgres).")
    ] = 20
    storage: Annotated[
        Any,
        Meta(description="Where pictures are kept; `file:` alone is a folder under the home."),
    ] = "file:"
    queue: Annotated[Any, Meta(description="What wakes the workers.")] = "local:"
    stager: Annotated[
        tuple[Any, ...],
        Meta(description="Stagers, the default one first; a request's `model` chooses among them."),
    ] = ("render:",)
    auth: Annotated[
        tuple[Any, ...],
        Meta(description="Authenticators, tried in order; `local:` is one owner, loopback only."),
    ] = ("local:",)
    billing: Annotated[
        Any, Meta(description="What decides about allowance and price; `free:` allows all.")
    ] = "free:"
    plans: Annotated[
        dict[Annotated[str, Meta(pattern="^[a-z0-9_-]{1,64}$")], Plan],
        Meta(
            description="Plans that accounts may have, by code; `[plans.CODE]` in the file, JSON "
            "in the variable."
        ),
    ] = msgspec.field(default_factory=lambda: dict(USUAL_PLANS))
    packs: Annotated[
        dict[Annotated[str, Meta(pattern="^[a-z0-9_-]{1,64}$")], Pack],
        Meta(
            description="Credits that are sold once, by code; `[packs.CODE]` in the file, JSON in "
            "the variable."
        ),
    ] = msgspec.field(default_factory=dict)
    default_plan: Annotated[
        str, Meta(description="Plan of accounts that have chosen none, by its code.")
    ] = "free"
    plugins: Annotated[
        tuple[Any, ...] | None,
        Meta(description="Plugins by name (or object); all installed ones when not given."),
    ] = None
    plugin_settings: Annotated[
        dict[str, dict[str, Any]],
        Meta(description="A table for each plugin by name; `[plugins.NAME]` in the file."),
    ] = {}
    public_url: Annotated[
        str | None,
        Meta(description="Address (with mount path) under which others reach this installation."),
    ] = None
    billing_return_url: Annotated[
        str | None,
        Meta(
            description="Page that accounts come back to when they have paid; `public_url` when "
            "not given. One of them is required where plans or packs are sold."
        ),
    ] = None
    secret_key: Annotated[
        Annotated[str, Meta(min_length=16)] | None,
        Meta(
            description="Signs upload addresses and cursors, at least 16 characters; made under "
            "the home when `auth` is `local:`, required otherwise."
        ),
    ] = None
    secrets_key: Annotated[
        tuple[Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{43}=$")], ...],
        Meta(
            description="Seals secrets that operators hand in (Fernet keys); the first seals, all "
            "open, so that a new one goes before the old."
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins (https://HOST) whose pages may call the API; `*` for all."),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Proxies (addresses or networks) of `staging serve`, whose word on who "
            "asks is taken."
        ),
    ] = ()
    webhook_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Hosts of your own that webhooks may go to beside public ones, such as "
            "`http://crm.internal` or `127.0.0.1:9000`."
        ),
    ] = ()
    api_docs: Annotated[
        bool | None,
        Meta(
            description="Serve /docs and the OpenAPI document; by default exactly where `auth` has "
            "`local:`."
        ),
    ] = None
    metrics: Annotated[
        bool | None,
        Meta(description="Serve this process's figures at /metrics, to whoever asks."),
    ] = None
    log_format: Annotated[
        Literal["json", "text"] | None,
        Meta(
            description="How servers and workers log; by default JSON unless somebody sits at a "
            "terminal."
        ),
    ] = None
    lease_s: Annotated[
        Seconds, Meta(description="Seconds a worker may be silent before its job is taken over.")
    ] = 15.0
    sweep_s: Annotated[Seconds, Meta(description="Seconds between two sweeps.")] = 2.0
    poll_s: Annotated[
        Seconds, Meta(description="Seconds until a waiting prediction is first asked about.")
    ] = 10.0
    backoff_max_s: Annotated[
        Seconds, Meta(description="Longest pause in seconds between two attempts.")
    ] = 60.0
    unknown_outcome_s: Annotated[
        Seconds, Meta(description="Seconds from a lost answer to `presumed not created`.")
    ] = 90.0
    prediction_deadline_s: Annotated[
        Seconds, Meta(description="Seconds after which a prediction's result is worthless.")
    ] = 300.0
    provider_creates_per_minute: Annotated[
        Count, Meta(description="Predictions that are started at one provider in a minute.")
    ] = 480
    fallback: Annotated[
        tuple[str, ...],
        Meta(description="Models to go on with, in order, when a safety filter refused."),
    ] = ()
    daily_spend_usd: Annotated[
        Usd | None,
        Meta(description="US dollars that all models together may cost in a day (UTC)."),
    ] = None
    account_daily_spend_usd: Annotated[
        Usd | None, Meta(description="The same for the jobs of one account.")
    ] = None
    project_daily_spend_usd: Annotated[
        Usd | None, Meta(description="The same for the jobs of one project.")
    ] = None
    max_attempts: Annotated[Count, Meta(description="Attempts of a job, the first included.")] = 4
    orphan_grace_s: Annotated[
        Seconds, Meta(description="Age in seconds before an unreferenced object is deleted.")
    ] = 86_400.0
    audit_log_s: Annotated[
        Seconds, Meta(description="Age in seconds after which entries of the audit log go.")
    ] = 63_072_000.0
    worker_concurrency: Annotated[
        Count, Meta(description="Job steps that one worker does at a time.")
    ] = 16
    picture_processes: Annotated[
        Count, Meta(description="Child processes for picture work; all cores but one.")
    ] = msgspec.field(default_factory=_spare_cores)
    max_in_flight: Annotated[Count, Meta(description="Jobs of one account at work at a time.")] = (
        500
    )
    max_queued: Annotated[
        Count, Meta(description="Jobs of one account that may wait; more are turned away.")
    ] = 5_000
    rate_limit_requests: Annotated[
        Count, Meta(description="Requests over HTTP that one principal may make in a minute.")
    ] = 3_000
    rate_limit_creates: Annotated[
        Count, Meta(description="Of these, how many may create or spend something.")
    ] = 1_200
    rate_limit_key_share: Annotated[
        Share, Meta(description="Of both, the share that one API key may use up.")
    ] = 0.8
    rate_limit_address: Annotated[
        Count, Meta(description="Requests of one address in a minute, whoever makes them.")
    ] = 30_000
    rate_limit_failures: Annotated[
        Count, Meta(description="Sign-ins of one address that may fail in a minute.")
    ] = 300
    max_streams: Annotated[
        Count,
        Meta(description="Event streams that one principal may have open in one process."),
    ] = 200
    max_bytes: Annotated[Count, Meta(description="Largest photo file, in bytes.")] = 26_214_400
    max_output_bytes: Annotated[
        Count, Meta(description="Largest file that a model may answer with, in bytes.")
    ] = 26_214_400
    max_pixels: Annotated[Count, Meta(description="Largest photo, in pixels.")] = 50_000_000
    max_side: Annotated[Count, Meta(description="Longest side of a photo, in pixels.")] = 12_000
    hook_time_limit_s: Annotated[
        Seconds, Meta(description="Seconds that one call of a plugin's hook may take.")
    ] = 10.0
    shutdown_s: Annotated[
        Seconds, Meta(description="Seconds that running steps get to finish at shutdown.")
    ] = 20.0

    def __post_init__(self) -> None:
        """Fill in what depends on another setting; the home stays where it is after a chdir."""
        home = self.home.expanduser().absolute()
        msgspec.structs.force_setattr(self, "home", home)
        if not self.database:
            msgspec.structs.force_setattr(
                self, "database", f"sqlite+aiosqlite:///{home / 'staging.db'}"
            )

    @classmethod
    def from_keywords(cls, **given: Any) -> Settings:
        """Settings from keywords; None means "not given". The environment is not read.

        ``SettingError`` names a keyword that is unknown (with the nearest) or wrong. In place of a
        list a string may stand, its items separated by commas.
        """
        return _build({name: Given(value, f"`{name}`") for name, value in given.items()})

    @classmethod
    def from_env(cls, environ: Mapping[str, str], file: Path | None = None) -> Settings:
        """Settings from ``STAGING_*`` variables, over ``staging.toml``, over the defaults.

        ``file``, else the one that ``STAGING_CONFIG`` names, must exist; ``staging.toml`` in the
        working folder is read when it does. An unknown variable or key is a ``SettingError``.
        """
        found = settings_file(environ, file)
        given = from_file(found) if found else {}
        return _build(given | from_variables(environ))

    @classmethod
    def rows(cls) -> list[SettingRow]:
        """Every setting with its variable, default and meaning, in the order of this class."""
        return setting_rows(cls)

    def plugin(self, name: str, shape: type[S]) -> S:
        """The table of the plugin ``name`` as a struct of ``shape``; ``SettingError`` if wrong."""
        return read_table(name, self.plugin_settings.get(name, {}), shape)

    def signing_key(self) -> str:
        """``secret_key``, or the key of this home, which the first call makes (mode 0600)."""
        return self.secret_key or home_key(self.home)

    def __repr__(self) -> str:
        values = (f"{name}={shown(name, getattr(self, name))}" for name in self.__struct_fields__)
        return f"Settings({', '.join(values)})"


def _build(given: Mapping[str, Given]) -> Settings:
    values = {name: read_value(Settings, name, item) for name, item in given.items()}
    settings = Settings(**{name: value for name, value in values.items() if value is not None})
    _check_together(settings, given)
    return settings


def _check_together(settings: Settings, given: Mapping[str, Given]) -> None:
    if "?" in str(settings.home) and "database" not in given:
        raise SettingError(
            f"The home {str(settings.home)!r} has a question mark, which no database URL can hold.",
            remedy="Set STAGING_HOME to a folder without one.",
        )
    if settings.default_plan not in settings.plans:
        raise SettingError(
            f"The setting `default_plan` names {settings.default_plan!r}, which is no plan.",
            remedy=nearest(settings.default_plan, settings.plans),
        )
    if "none" in settings.plans:
        raise SettingError(
            "A plan is called `none`, which is what operators write to take a plan back.",
            remedy="Give the plan another code.",
        )
    if settings.auth != ("local:",) and settings.secret_key is None:
        raise MissingSetting(
            "The setting `secret_key` is required as soon as `auth` is not `local:`.",
            remedy="Set STAGING_SECRET_KEY to at least 16 random characters, for example from "
            "`python -c 'import secrets; print(secrets.token_urlsafe(32))'`.",
        )
