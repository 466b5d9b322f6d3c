"""Find the plugins, check them, and name the one that is broken.

A plugin is what an entry point of the group ``staging`` names, or an object of the host: a module
or an instance with functions marked ``@hookimpl``. pluggy keeps registration and validation; it
never makes a call, since it cannot await (``hooks.py`` does).

Why a loader of our own: pluggy's lets the ImportError of one plugin through without its name, and
skips the second of two entry points that share a name without a word.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from staging_core import hookspecs
from staging_core.errors import DuplicateName, PluginError
from staging_core.nearest import nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "staging"
BUILTIN = "staging-core"
_BUILTIN_MODULE = "staging_core.builtin"

DECLARE = frozenset(
    {
        "staging_stagers",
        "staging_storages",
        "staging_queues",
        "staging_authenticators",
        "staging_billings",
        "staging_commands",
    }
)


class PluginRow(NamedTuple):
    """One loaded plugin. ``distribution`` and ``version`` are empty for an object of the host."""

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...]


class _Found(NamedTuple):
    """A plugin before registration: its name, the object, and where it is from."""

    name: str
    plugin: object
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        origin = f" of the distribution {self.distribution} {self.version}"
        return f"The plugin {self.name!r}{origin if self.distribution else ''}"


class Plugins:
    """Loaded plugins, in the order in which they are called. Made by ``load_plugins``."""

    def __init__(self, found: Sequence[_Found]) -> None:
        self._manager = pluggy.PluginManager("staging")
        self._manager.add_hookspecs(hookspecs)
        self._order = {one.name: place for place, one in enumerate(found)}
        for one in found:
            _register(self._manager, one)
        self._rows = [
            PluginRow(one.name, one.distribution, one.version, self._hooks_of(one.plugin))
            for one in found
        ]

    def _hooks_of(self, plugin: object) -> tuple[str, ...]:
        callers = self._manager.get_hookcallers(plugin) or []
        return tuple(sorted(caller.name for caller in callers if caller.has_spec()))

    def names(self) -> tuple[str, ...]:
        """The names of all loaded plugins, our own ``staging-core`` first."""
        return tuple(self._order)

    def describe(self) -> list[PluginRow]:
        """Every loaded plugin: name, distribution, version and the hooks it takes part in."""
        return list(self._rows)

    def impls(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """The functions of one hook in the order of their calls, each with its plugin's name.

        The order is that of the plugins; ``tryfirst`` goes before all others, ``trylast`` after.
        """
        found = getattr(self._manager.hook, hook).get_hookimpls()
        found.sort(key=lambda impl: (_rank(impl), self._order[impl.plugin_name]))
        return [(impl.plugin_name, impl.function) for impl in found]


def load_plugins(
    selection: Sequence[str | object] | None = None, *, include_builtin: bool = True
) -> Plugins:
    """Load the plugins of ``selection``: names of installed ones, or objects; None: all installed.

    With a selection nothing else is imported. Every plugin that cannot be used is a ``PluginError``
    that names it and its distribution.
    """
    found = [_builtin()] if include_builtin else []
    found += _installed() if selection is None else _selected(selection)
    _check_names(found)
    return Plugins(found)


def installed_names() -> tuple[str, ...]:
    """The names of all installed plugins; imports none of them."""
    return tuple(sorted({entry.name for entry in _entry_points()}))


def _builtin() -> _Found:
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version(BUILTIN)
    except PackageNotFoundError:  # run from a source tree
        installed = ""
    return _Found(BUILTIN, import_module(_BUILTIN_MODULE), BUILTIN, installed)


def _entry_points() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def _installed() -> list[_Found]:
    entries = _entry_points()
    _check_entries(entries)
    return [_load(entry) for entry in entries]


def _selected(selection: Iterable[str | object]) -> list[_Found]:
    items = list(selection)
    wanted = {item for item in items if isinstance(item, str)} - {BUILTIN}
    entries = [entry for entry in (_entry_points() if wanted else []) if entry.name in wanted]
    _check_entries(entries)
    loaded = {entry.name: entry for entry in entries}
    found = []
    for item in items:
        if not isinstance(item, str):
            found.append(_Found(_name_of(item), item))
        elif item != BUILTIN:
            found.append(_load(loaded[item]) if item in loaded else _missing(item))
    return found


def _missing(name: str) -> _Found:
    raise PluginError(
        f"There is no installed plugin {name!r}.", remedy=nearest(name, installed_names())
    )


def _name_of(plugin: object) -> str:
    """The name of a host's object: its ``name``, its module's name, or its class's."""
    name = getattr(plugin, "name", None)
    if isinstance(name, str) and name:
        return name
    return plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__name__


def _check_entries(entries: Iterable[EntryPoint]) -> None:
    seen: dict[str, EntryPoint] = {}
    for entry in entries:
        if entry.name in seen:
            both = sorted((_distribution(seen[entry.name])[0], _distribution(entry)[0]))
            raise DuplicateName(
                f"Two distributions have a plugin {entry.name!r}: {both[0]} and {both[1]}.",
                remedy=f"Uninstall one of them (`pip uninstall {both[1]}`).",
            )
        seen[entry.name] = entry


def _check_names(found: Iterable[_Found]) -> None:
    names: set[str] = set()
    for one in found:
        if one.name in names:
            raise DuplicateName(f"{one} is there twice, or two plugins have that name.")
        names.add(one.name)


def _load(entry: EntryPoint) -> _Found:
    distribution, version = _distribution(entry)
    found = _Found(entry.name, None, distribution, version)
    try:
        return found._replace(plugin=entry.load())
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{found} cannot be imported: {type(error).__name__}: {error}",
            remedy=f"Update it, uninstall it (`pip uninstall {distribution}`), "
            "or list the plugins you want in the setting `plugins`.",
        ) from error


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    if entry.dist is None:
        return "(unknown)", ""
    return entry.dist.name, entry.dist.version


def _register(manager: pluggy.PluginManager, found: _Found) -> None:
    """Put the plugin in; ``PluginError`` when one of its functions cannot be a hook's."""
    if isinstance(found.plugin, type):
        raise PluginError(f"{found} is a class.", remedy="Name a module or an instance of it.")
    _check_marks(found)
    try:
        manager.register(found.plugin, name=found.name)
    except Exception as error:  # a property of the plugin may raise anything
        raise PluginError(f"{found} is wrong: {_last_line(error)}") from error
    callers = manager.get_hookcallers(found.plugin) or []
    if not callers:
        raise PluginError(
            f"{found} takes part in no hook.",
            remedy="Mark its functions with `@hookimpl` from staging_core.hookspecs.",
        )
    for caller in callers:
        for impl in caller.get_hookimpls():
            if impl.plugin is found.plugin:
                _check_known(found, caller, impl)
                _check_kind(found, caller.name, impl)


def _check_marks(found: _Found) -> None:
    """A function named like a hook but not marked would silently never be called."""
    for name in hook_names():
        function = inspect.getattr_static(found.plugin, name, None)
        if inspect.isfunction(function) and not hasattr(function, "staging_impl"):
            raise PluginError(
                f"{found} has a function {name}, which is not marked as a hook.",
                remedy="Mark it with `@hookimpl` from staging_core.hookspecs, or rename it.",
            )


def hook_names() -> list[str]:
    """Every hook there is."""
    return [name for name in vars(hookspecs) if name.startswith("staging_")]


def _last_line(error: Exception) -> str:
    """What is wrong; pluggy's lines before it repeat the plugin's name."""
    return (str(error) or type(error).__name__).strip().splitlines()[-1].strip()


def _check_known(found: _Found, caller: pluggy.HookCaller, impl: pluggy.HookImpl) -> None:
    """``@hookimpl(optionalhook=True)`` lets a plugin serve several versions of staging-core."""
    if not caller.has_spec() and not impl.optionalhook:
        raise PluginError(
            f"{found} implements {caller.name}, which is no hook of this version.",
            remedy=nearest(caller.name, hook_names()),
        )


def _check_kind(found: _Found, hook: str, impl: pluggy.HookImpl) -> None:
    if impl.hookwrapper or impl.wrapper:
        raise PluginError(f"{found}: {hook} is a wrapper; hooks here cannot be wrapped.")
    function = impl.function
    if inspect.isasyncgenfunction(function):
        raise PluginError(f"{found}: {hook} is an async generator; give the values in one answer.")
    if hook in DECLARE:
        if inspect.iscoroutinefunction(function):
            raise PluginError(f"{found}: {hook} only declares, so it must be a plain `def`.")
    elif inspect.isgeneratorfunction(function):
        raise PluginError(f"{found}: {hook} is a generator; return the value.")


def _rank(impl: pluggy.HookImpl) -> int:
    return -1 if impl.tryfirst else (1 if impl.trylast else 0)
