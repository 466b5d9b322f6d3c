"""From a scheme to an open backend: find the provider, import it late, open it, look at it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

from staging_core.config import Settings
from staging_core.errors import (
    MissingExtra,
    MissingSetting,
    PluginError,
    SettingError,
    StagingError,
    UnknownScheme,
)
from staging_core.hooks import PROVIDER_HOOKS, Hooks, Kind
from staging_core.interfaces import (
    Authenticator,
    Billing,
    Carries,
    Consumes,
    Copies,
    Creates,
    Defers,
    Finds,
    Inspects,
    KeepsPlans,
    KeyBook,
    LimitsRates,
    ListsPrices,
    MetersUsage,
    PresignsDownloads,
    PresignsUploads,
    Queue,
    Reaches,
    ReceivesCallbacks,
    ReportsPayments,
    ReservesElsewhere,
    Signals,
    Stager,
    Standings,
    Storage,
    TakesPayments,
    Tidies,
    supports,
)
from staging_core.interfaces.opening import Role
from staging_core.models import ModelCard, Provider
from staging_core.nearest import nearest
from staging_core.open_context import BackendContext, NewAccounts, NoKeys
from staging_core.plugins import installed_names
from staging_core.urls import BackendURL

ANY_SCHEME = "*"
# A backend implements at least one of the first; of the second what it likes.
DUTIES: dict[Kind, tuple[type[Any], ...]] = {
    "stager": (Stager, Defers),
    "storage": (Storage,),
    "queue": (Queue,),
    "auth": (Authenticator,),
    "billing": (Billing,),
}
CAPABILITIES: dict[Kind, tuple[type[Any], ...]] = {
    "stager": (Stager, Defers, Finds, ReceivesCallbacks, Reaches, Inspects),
    "storage": (Copies, Creates, Tidies, PresignsUploads, PresignsDownloads, Inspects),
    "queue": (Consumes, Signals, Carries, LimitsRates, Inspects),
    "auth": (Inspects,),
    "billing": (
        KeepsPlans,
        ReservesElsewhere,
        TakesPayments,
        ReportsPayments,
        MetersUsage,
        ListsPrices,
    ),
}


class BackendRow(NamedTuple):
    """One scheme, as ``staging backends`` shows it.

    ``problem``: why it cannot be imported, empty when it can. ``missing``: variables that are not
    set. ``capabilities``: None until it has been opened here.
    """

    kind: Kind
    scheme: str
    plugin: str
    summary: str
    install: str
    problem: str
    missing: tuple[str, ...]
    capabilities: tuple[str, ...] | None


class Registry:
    """Opens backends. ``secrets``: values for variables that the environment does not have.

    ``keys``: the API keys that authenticators may look up, set by whoever opens the database.
    """

    def __init__(
        self,
        hooks: Hooks,
        settings: Settings,
        *,
        secrets: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.keys: KeyBook = NoKeys()
        self.standings: Standings | None = None
        self._secrets = dict(secrets or {})
        self._providers = {kind: hooks.providers(kind) for kind in PROVIDER_HOOKS}
        self._opened: dict[tuple[Kind, str], tuple[str, ...]] = {}
        _check_tables(settings, hooks.plugins.names())

    def variable(self, name: str) -> str | None:
        """A variable's value: the environment's first."""
        return os.environ.get(name) or self._secrets.get(name)

    def provider(self, kind: Kind, scheme: str) -> tuple[str, Provider]:
        """The plugin and provider of a scheme; ``UnknownScheme`` names the nearest ones."""
        providers = self._providers[kind]
        found = providers.get(scheme) or providers.get(ANY_SCHEME)
        if found is None:
            raise self._unknown(kind, scheme)
        return found

    def cards(self) -> list[tuple[str, ModelCard]]:
        """Every declared stager's cards, with its scheme; ``PluginError`` names a wrong one."""
        found = []
        for plugin, provider in self._providers["stager"].values():
            where = f"The stager {provider.scheme}: of the plugin {plugin!r}"
            more = _imported(provider.cards_from, where)() if provider.cards_from else ()
            found += [(provider.scheme, _checked_card(card, where)) for card in provider.cards]
            found += [(provider.scheme, _checked_card(card, where)) for card in more]
        return found

    async def open(self, kind: Kind, choice: object, *, stack: AsyncExitStack, role: Role) -> Any:
        """The backend that ``choice`` names, open until ``stack`` closes.

        ``choice``: a URL; an ``Opener``; or an open object, which is the host's and not closed.
        Everything that can be wrong is a ``SettingError`` of some kind with its remedy:
        ``UnknownScheme``, ``MissingExtra``, ``MissingSetting``, ``PluginError``.
        """
        if isinstance(choice, str):
            return await self._open_url(kind, BackendURL.parse(choice), stack, role)
        if not isinstance(choice, type) and _looks_open(kind, choice):
            _check_backend(kind, choice, f"The {kind} given as {type(choice).__name__}")
            return choice
        if not callable(choice):
            raise SettingError(
                f"The {kind} given as {type(choice).__name__} is neither a URL, an opener nor "
                f"a {kind}.",
                remedy=f"Implement {_names(DUTIES[kind])} from staging_core.interfaces.",
            )
        name = getattr(choice, "__qualname__", type(choice).__name__)
        url = BackendURL(scheme="host", path="", options={}, raw="host:")
        context = self._context("host", role)
        where = f"The {kind} opener {name}"
        return await self._enter(kind, choice, url, context, stack=stack, where=where)

    async def _open_url(
        self, kind: Kind, url: BackendURL, stack: AsyncExitStack, role: Role
    ) -> Any:
        plugin, provider = self.provider(kind, url.scheme)
        where = f"The {kind} {url.scheme}: of the plugin {plugin!r}"
        self._check_variables(provider, where)
        context = self._context(plugin, role)
        try:
            opener = _imported(provider.opens, where)
            backend = await self._enter(kind, opener, url, context, stack=stack, where=where)
        except ModuleNotFoundError as error:
            raise _missing(provider, where, error) from error
        except UnknownScheme as error:
            raise self._unknown(kind, url.scheme, more=error.remedy) from error
        self._opened[kind, provider.scheme] = capabilities(kind, backend)
        return backend

    async def _enter(
        self,
        kind: Kind,
        opener: Callable[..., Any],
        url: BackendURL,
        context: BackendContext,
        *,
        stack: AsyncExitStack,
        where: str,
    ) -> Any:
        """Open, check, and only then leave it to ``stack``: a wrong backend is closed at once."""
        async with AsyncExitStack() as opening:
            try:
                entered = opener(url, context)
                if not isinstance(entered, AbstractAsyncContextManager):
                    raise PluginError(f"{where} gave no async context manager.")
                backend = await opening.enter_async_context(entered)
            except (StagingError, ModuleNotFoundError):
                raise
            except Exception as error:
                told = context.without_secrets(f"{type(error).__name__}: {error}")
                raise SettingError(f"{where} cannot be opened: {told}") from error
            _check_backend(kind, backend, where)
            stack.push_async_exit(opening.pop_all())
        return backend

    def _context(self, plugin: str, role: Role) -> BackendContext:
        return BackendContext(
            self.settings,
            plugin=plugin,
            role=role,
            clock=self.clock,
            variable=self.variable,
            keys=self.keys,
            standings=self.standings or NewAccounts(self.settings, self.clock),
        )

    def _check_variables(self, provider: Provider, where: str) -> None:
        missing = self._missing_variables(provider)
        if missing:
            raise MissingSetting(
                f"{where} needs the variable{'s' * (len(missing) > 1)} {', '.join(missing)}.",
                remedy=f"Set {' and '.join(missing)} in the environment.",
            )

    def _missing_variables(self, provider: Provider) -> tuple[str, ...]:
        return tuple(name for name in provider.requires_env if not self.variable(name))

    def _unknown(self, kind: Kind, scheme: str, more: str = "") -> UnknownScheme:
        schemes = sorted(self._providers[kind].keys() - {ANY_SCHEME})
        near = "".join(f"Did you mean {one}:? " for one in get_close_matches(scheme, schemes, n=1))
        installed = ", ".join(f"{one}:" for one in schemes)
        return UnknownScheme(
            f"No {kind} answers to {scheme}:.",
            remedy=f"{near}Installed: {installed}. {more}".rstrip(),
        )

    def describe(self) -> list[BackendRow]:
        """Every declared scheme. Imports each backend's module to see whether that works."""
        return [
            BackendRow(
                kind=kind,
                scheme=provider.scheme,
                plugin=plugin,
                summary=provider.summary,
                install=provider.install,
                problem=_problem(provider),
                missing=self._missing_variables(provider),
                capabilities=self._opened.get((kind, provider.scheme)),
            )
            for kind, providers in self._providers.items()
            for plugin, provider in providers.values()
        ]


def capabilities(kind: Kind, backend: object) -> tuple[str, ...]:
    """The names of the optional Protocols that an open backend implements."""
    return tuple(
        shape.__name__ for shape in CAPABILITIES[kind] if supports(backend, shape) is not None
    )


def _imported(opens: str, where: str) -> Callable[..., Any]:
    module, _, name = opens.partition(":")
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise PluginError(f"{where} names {opens!r}, which does not exist.") from error
        raise
    except AttributeError as error:
        raise PluginError(f"{where} names {opens!r}, which does not exist.") from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"{where} cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise PluginError(f"{where} names {opens!r}, which is not a function.")
    return found  # type: ignore[no-any-return]


def _checked_card(card: object, where: str) -> ModelCard:
    if not isinstance(card, ModelCard):
        raise PluginError(f"{where} has a card that is a {type(card).__name__}.")
    return card


def _missing(provider: Provider, where: str, error: ModuleNotFoundError) -> MissingExtra:
    return MissingExtra(
        f"{where} needs the package {error.name!r}, which is not installed.",
        remedy=f"{provider.install or f'Install the package that has {error.name!r}'}.",
    )


def _problem(provider: Provider) -> str:
    try:
        _imported(provider.opens, "It")
    except ModuleNotFoundError as error:
        return f"needs the package {error.name!r}"
    except PluginError as error:
        return error.message
    return ""


def _looks_open(kind: Kind, choice: object) -> bool:
    """Whether it has a method of the kind's duties; whether it has all is checked later."""
    return any(
        hasattr(choice, name)
        for shape in DUTIES[kind]
        for name in vars(shape)
        if not name.startswith("_") and name != "card"
    )


def _check_backend(kind: Kind, backend: object, where: str) -> None:
    """``PluginError`` unless the backend implements its kind's duty, whole."""
    try:
        if all(supports(backend, shape) is None for shape in DUTIES[kind]):
            raise PluginError(f"It has none of the methods of {_names(DUTIES[kind])}.")
        for shape in CAPABILITIES[kind]:
            supports(backend, shape)
    except PluginError as error:
        raise PluginError(f"{where} is not a {kind}: {error.message}") from error
    if kind == "stager" and not isinstance(getattr(backend, "card", None), ModelCard):
        raise PluginError(f"{where} is not a stager: its `card` is not a ModelCard.")


def _names(shapes: tuple[type[Any], ...]) -> str:
    return " or ".join(shape.__name__ for shape in shapes)


def _check_tables(settings: Settings, loaded: tuple[str, ...]) -> None:
    """A table that no plugin reads is a misspelt name; a plugin that is switched off keeps its."""
    unread = settings.plugin_settings.keys() - set(loaded)
    if not unread:
        return
    known = {*loaded, *installed_names()}
    for name in sorted(unread - known):
        raise SettingError(
            f"[plugins.{name}] is for a plugin that is not installed.", remedy=nearest(name, known)
        )
