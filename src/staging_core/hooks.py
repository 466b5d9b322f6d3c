"""The hooks as typed methods: who is asked, in which order, and what may come back."""

from __future__ import annotations

import inspect
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from staging_core.errors import BadInput, DuplicateName, HookFailed, PluginError, Refused
from staging_core.models import (
    BillingEvent,
    Command,
    Job,
    JobEvent,
    Picture,
    Principal,
    Provider,
    StageRequest,
    check_room,
    check_style,
)
from staging_core.plugins import Plugins
from staging_core.telemetry import SILENT
from staging_core.timed_call import call_within

if TYPE_CHECKING:
    from staging_core.config import Settings
    from staging_core.interfaces import Telemetry
    from staging_core.interfaces.opening import Role
    from staging_core.staging import Staging

Kind = Literal["stager", "storage", "queue", "auth", "billing"]
PROVIDER_HOOKS: dict[Kind, str] = {
    "stager": "staging_stagers",
    "storage": "staging_storages",
    "queue": "staging_queues",
    "auth": "staging_authenticators",
    "billing": "staging_billings",
}
OBSERVED: dict[type[JobEvent] | type[BillingEvent], str] = {
    JobEvent: "staging_job_event",
    BillingEvent: "staging_billing_event",
}
_OPENS = re.compile(r"[a-z_][\w.]*:[a-z_]\w*", re.IGNORECASE | re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+", re.ASCII)
_COMMAND = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
_ANY_STORAGE = ("*", "staging_storages")  # serves every scheme that has no provider of its own
T = TypeVar("T")
log = logging.getLogger("staging_core.hooks")


class Hooks:
    """Calls plugins. ``time_limit_s``: seconds that one call of a chained or observing hook has."""

    def __init__(self, plugins: Plugins, time_limit_s: float = 10.0) -> None:
        self.plugins = plugins
        self.time_limit_s = time_limit_s
        self._traced = os.environ.get("STAGING_TRACE_HOOKS") == "1"
        self._started: list[str] = []

    # --- declare ------------------------------------------------------------------------------

    def commands(self) -> list[tuple[str, Command]]:
        """Every declared command with its plugin; ``DuplicateName`` when two share a name."""
        found: dict[str, tuple[str, Command]] = {}
        for plugin, command in self._declared("staging_commands", Command):
            if command.name in found:
                raise DuplicateName(
                    f"The command {command.name!r} is declared by the plugins "
                    f"{found[command.name][0]!r} and {plugin!r}."
                )
            found[command.name] = (plugin, command)
        return list(found.values())

    def providers(self, kind: Kind) -> dict[str, tuple[str, Provider]]:
        """The providers of one kind by scheme, each with its plugin.

        ``DuplicateName`` when two plugins declare the same scheme, ``PluginError`` when a plugin
        raises or declares something else than providers.
        """
        found: dict[str, tuple[str, Provider]] = {}
        for plugin, provider in self._declared(PROVIDER_HOOKS[kind], Provider):
            if provider.scheme in found:
                raise DuplicateName(
                    f"The {kind} scheme {provider.scheme!r} is declared by the plugins "
                    f"{found[provider.scheme][0]!r} and {plugin!r}."
                )
            found[provider.scheme] = (plugin, provider)
        return found

    def _declared(self, hook: str, shape: type[T]) -> Iterator[tuple[str, T]]:
        for plugin, function in self.plugins.impls(hook):
            try:
                with self._trace(hook, plugin):
                    items = list(function() or ())
                    for item in items:
                        _check(item, shape)
                        _check_opens(item, hook)
            except Exception as error:
                raise PluginError(
                    f"The plugin {plugin!r} failed in {hook}: {_told(error)}"
                ) from error
            for item in items:
                yield plugin, item

    def telemetry(self, role: Role, settings: Settings) -> AbstractContextManager[Telemetry]:
        """The telemetry that a plugin gives, not yet entered; silence where none does.

        ``DuplicateName`` when two give one, ``PluginError`` when a plugin fails.
        """
        given = self.plugins.impls("staging_telemetry")
        if len(given) > 1:
            names = " and ".join(repr(plugin) for plugin, _ in given)
            raise DuplicateName(f"The plugins {names} both give telemetry.")
        for plugin, function in given:
            try:
                with self._trace("staging_telemetry", plugin):
                    telemetry: AbstractContextManager[Telemetry] = function(
                        **_accepted(function, {"role": role, "settings": settings})
                    )
                    return telemetry
            except Exception as error:
                raise PluginError(
                    f"The plugin {plugin!r} failed in staging_telemetry: {_told(error)}"
                ) from error
        return nullcontext(SILENT)

    # --- take part ----------------------------------------------------------------------------

    async def before_submit(self, request: StageRequest, principal: Principal) -> StageRequest:
        """The request as the plugins leave it. ``Refused`` passes; the rest is ``HookFailed``."""
        for plugin, function in self.plugins.impls("staging_before_submit"):
            request = await self._chained(
                ("staging_before_submit", plugin, function),
                _check_request,
                request,
                request=request,
                principal=principal,
            )
        return request

    async def after_stage(self, job: Job, outputs: tuple[Picture, ...]) -> tuple[Picture, ...]:
        """The outputs as the plugins leave them; at least one. ``Refused`` passes."""
        for plugin, function in self.plugins.impls("staging_after_stage"):
            outputs = await self._chained(
                ("staging_after_stage", plugin, function),
                _check_outputs,
                outputs,
                job=job,
                outputs=outputs,
            )
        return outputs

    def labels(self) -> bool:
        """Whether any plugin takes part in ``staging_label``."""
        return bool(self.plugins.impls("staging_label"))

    async def label(self, job: Job, picture: Picture, statement: str) -> Picture | None:
        """The labelled copy of ``picture``; None when no plugin made one. ``Refused`` passes."""
        labelled = picture
        for plugin, function in self.plugins.impls("staging_label"):
            labelled = await self._chained(
                ("staging_label", plugin, function),
                _check_picture,
                labelled,
                job=job,
                picture=labelled,
                statement=statement,
            )
        return None if labelled is picture else labelled

    async def _chained(
        self,
        call: tuple[str, str, Callable[..., Any]],
        check: Callable[[Any], None],
        before: T,
        **arguments: Any,
    ) -> T:
        """What one plugin makes of ``before``; None keeps it."""
        hook, plugin, function = call
        try:
            result = await self._call(hook, plugin, function, arguments)
            if result is None:
                return before
            check(result)
        except Refused:
            raise
        except Exception as error:
            raise _failure(hook, plugin, error) from error
        return result  # type: ignore[no-any-return]

    # --- observe ------------------------------------------------------------------------------

    def observers(self, event: type[JobEvent] | type[BillingEvent] = JobEvent) -> tuple[str, ...]:
        """The plugins that see events of that type, in order."""
        return tuple(dict.fromkeys(name for name, _ in self.plugins.impls(OBSERVED[event])))

    async def observe(self, plugin: str, event: JobEvent | BillingEvent) -> None:
        """Show one event to one plugin; ``HookFailed`` means "show it again later"."""
        await self._tell(OBSERVED[type(event)], plugin, event=event)

    async def startup(self, staging: Staging) -> None:
        """Tell every plugin that ``staging`` is open.

        The first failure is ``HookFailed``; the plugins told before it are told to shut down.
        """
        for plugin in self.plugins.names():
            try:
                await self._tell("staging_startup", plugin, staging=staging)
            except BaseException:
                await self.shutdown(staging)
                raise
            self._started.append(plugin)

    async def shutdown(self, staging: Staging) -> list[HookFailed]:
        """Tell every plugin that has started, the last one first; give (and log) the failures."""
        failures: list[HookFailed] = []
        while self._started:
            try:
                await self._tell("staging_shutdown", self._started.pop(), staging=staging)
            except HookFailed as failure:
                log.error("%s", failure, exc_info=failure)
                failures.append(failure)
        return failures

    async def _tell(self, hook: str, plugin: str, **arguments: Any) -> None:
        for name, function in self.plugins.impls(hook):
            if name != plugin:
                continue
            try:
                await self._call(hook, plugin, function, arguments)
            except Exception as error:
                raise _failure(hook, plugin, error) from error

    # --- one call -----------------------------------------------------------------------------

    async def _call(
        self, hook: str, plugin: str, function: Callable[..., Any], arguments: dict[str, Any]
    ) -> Any:
        given = _accepted(function, arguments)
        with self._trace(hook, plugin):
            return await call_within(self.time_limit_s, function, given, name=f"{plugin}:{hook}")

    @contextmanager
    def _trace(self, hook: str, plugin: str) -> Iterator[None]:
        """Print names and times; never arguments, which may hold what is secret."""
        if not self._traced:
            yield
            return
        began, outcome = time.perf_counter(), "failed"
        try:
            yield
            outcome = "ok"
        finally:
            spent = (time.perf_counter() - began) * 1000
            print(f"{hook} {plugin} {spent:.1f} ms {outcome}", file=sys.stderr)


def _failure(hook: str, plugin: str, error: BaseException) -> HookFailed:
    return HookFailed(f"The plugin {plugin!r} failed in {hook}: {_told(error)}")


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _accepted(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Those of the arguments that the plugin's function takes."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in parameters}


def _check(value: Any, shape: type[Any]) -> None:
    """``TypeError`` unless ``value`` is a ``shape`` and every field of it is of its type.

    msgspec checks on decoding, not on construction, so a plugin's struct may hold anything.
    """
    if not isinstance(value, shape):
        raise TypeError(f"it gave a {type(value).__name__} where a {shape.__name__} belongs")
    plain = msgspec.to_builtins(value, builtin_types=(bytes,))
    try:
        msgspec.convert(plain, shape, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise TypeError(f"it gave a wrong {shape.__name__}: {error}") from error


def _check_opens(declared: Any, hook: str) -> None:
    if not _OPENS.fullmatch(declared.opens):
        raise ValueError(f"{declared.opens!r} is not of the form module:function")
    if isinstance(declared, Command):
        if not _COMMAND.fullmatch(declared.name):
            raise ValueError(f"{declared.name!r} is not a command's name")
    elif not _SCHEME.fullmatch(declared.scheme) and (declared.scheme, hook) != _ANY_STORAGE:
        raise ValueError(f"{declared.scheme!r} is not a URL scheme")


def _check_request(value: Any) -> None:
    _check(value, StageRequest)
    try:
        spelled = check_room(value.room) == value.room and check_style(value.style) == value.style
    except BadInput as error:
        raise TypeError(f"it gave a wrong StageRequest: {error}") from error
    if not spelled:
        raise TypeError("it gave a StageRequest whose room or style is not the catalog's spelling")


def _check_outputs(value: Any) -> None:
    if not isinstance(value, tuple) or not value:
        raise TypeError(f"it gave a {type(value).__name__} where a tuple of pictures belongs")
    for picture in value:
        _check(picture, Picture)


def _check_picture(value: Any) -> None:
    _check(value, Picture)
