"""One setting's value: read, checked, shown without its secrets."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints
from urllib.parse import urlsplit

import msgspec

from staging_core.errors import SettingError
from staging_core.nearest import nearest
from staging_core.urls import BackendURL, hidden

from .placeholder import check_secret

BACKENDS = ("storage", "queue", "billing")
BACKEND_LISTS = ("stager", "auth")
LISTS = ("cors_origins", "fallback", "secrets_key", "trusted_proxies", "webhook_hosts")
DATABASES = ("database", "database_admin")
SECRETS = ("secret_key", "secrets_key")
_STARTS = re.compile(r"[a-z][a-z0-9+.-]+:", re.ASCII | re.IGNORECASE)
_DATABASE = re.compile(r"[a-z][a-z0-9]*(\+[a-z0-9]+)?://", re.ASCII)
_PASSWORD = re.compile(r"[^/?#]*//[^/?#@:]*:([^/?#@]*)@")

S = TypeVar("S")


class Given(NamedTuple):
    """A value that somebody set, and where: ``STAGING_QUEUE``, ``key in file``, the keyword."""

    value: Any
    source: str


class SettingRow(NamedTuple):
    """One setting, as the documentation shows it."""

    name: str
    variable: str
    default: Any
    meaning: str


def variable_of(name: str) -> str:
    """The environment variable of the setting ``name``."""
    return f"STAGING_{name.upper()}"


def read_value(shape: type[msgspec.Struct], name: str, given: Given) -> Any:
    """The value of the setting ``name``, checked; None stays None ("not given")."""
    if name not in shape.__struct_fields__:
        raise SettingError(f"{given.source} is not a setting.", remedy=_near(name, given, shape))
    if given.value is None:
        return None
    if isinstance(given.value, str) and not given.value.strip() and name != "plugins":
        raise SettingError(f"{given.source} is empty.", remedy="Give it a value or remove it.")
    return _read(shape, name, given)


def _near(name: str, given: Given, shape: type[msgspec.Struct]) -> str:
    """The likely names, written as the unknown one was."""
    if given.source == variable_of(name):
        return nearest(given.source, map(variable_of, shape.__struct_fields__))
    return nearest(name, shape.__struct_fields__)


def _read(shape: type[msgspec.Struct], name: str, given: Given) -> Any:
    value, source = given
    if name == "home":
        return _folder(value, source)
    if name in BACKENDS:
        return _backend(value, source)
    if name in BACKEND_LISTS:
        return _backends(value, source)
    if name == "plugins":
        return tuple(_items(value))
    if name in LISTS:
        value = _items(value)
    if name in ("plans", "packs") and isinstance(value, str):
        value = _json(value, source)
    read = _converted(get_type_hints(shape, include_extras=True)[name], value, source)
    if name in DATABASES:
        _check_database(read, source)
        _check_password(read, source)
    if name == "secret_key":
        check_secret(read, source)
    if name == "trusted_proxies":
        _check_networks(read, source)
    return _address(read, source) if name == "public_url" else read


def _folder(value: Any, source: str) -> Path:
    if not isinstance(value, (str, Path)) or "\0" in str(value):
        raise SettingError(f"{source} is not a folder's path.")
    return Path(value)


def _backend(value: Any, source: str) -> Any:
    """A URL, checked; or the opener or open object as it is."""
    if isinstance(value, (bytes, int, float, Path, list, tuple, dict)):
        raise SettingError(
            f"{source} is a {type(value).__name__}.",
            remedy="Give a URL such as file:/var/photos, an opener or an open object.",
        )
    if not isinstance(value, str):
        return value
    try:
        BackendURL.parse(value)
    except SettingError as error:
        raise SettingError(f"{source}: {error.message}", remedy=error.remedy) from error
    _check_password(value, source)
    return value.strip()


def _backends(value: Any, source: str) -> tuple[Any, ...]:
    found = tuple(_backend(item, source) for item in _urls(value))
    if not found:
        raise SettingError(f"{source} is an empty list.", remedy="Name at least one.")
    return found


def _urls(value: Any) -> list[Any]:
    """A comma ends a URL, but one within its options only where the next URL begins."""
    if not isinstance(value, str):
        return _items(value)
    found: list[str] = []
    for part in _items(value):
        if found and "?" in found[-1] and not _STARTS.match(part):
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def _items(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _converted(hint: Any, value: Any, source: str) -> Any:
    try:
        return msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        raise SettingError(f"{source}: {error}.") from error


def _json(value: str, source: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise SettingError(f"{source} is no JSON: {error}.") from error


def _check_database(value: str, source: str) -> None:
    if not _DATABASE.match(value):
        raise SettingError(
            f"{source} is not a database URL.",
            remedy="Write it as sqlite+aiosqlite:///PATH or postgresql+asyncpg://USER@HOST/NAME.",
        )


def _check_password(url: str, source: str) -> None:
    """A URL's password, where it has one, is nobody's example."""
    found = _PASSWORD.match(url)
    if found is not None:
        check_secret(found[1], f"The password in {source}")


def _check_networks(value: tuple[str, ...], source: str) -> None:
    for item in value:
        try:
            network = ip_network(item)
        except ValueError as wrong:
            raise SettingError(
                f"{source}: {item!r} is no address and no network.",
                remedy="Write it as 10.0.0.7 or 10.0.0.0/8.",
            ) from wrong
        if network.prefixlen == 0:
            raise SettingError(
                f"{source}: {item!r} is everybody, who could then say to be anybody.",
                remedy="Name only the proxies in front of this server.",
            )


def _address(value: str, source: str) -> str:
    """A web address without a slash at its end."""
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingError(
            f"{source} is not a web address.",
            remedy="Write it as https://HOST/MOUNT, without query and fragment.",
        )
    return value.rstrip("/")


def read_table(plugin: str, table: dict[str, Any], shape: type[S]) -> S:
    """A plugin's table as ``shape`` (a msgspec struct); ``SettingError`` names what is wrong."""
    source = f"[plugins.{plugin}]"
    fields: tuple[str, ...] = getattr(shape, "__struct_fields__", tuple(table))
    for key in table:
        if key not in fields:
            raise SettingError(f"{source} has no setting {key!r}.", remedy=nearest(key, fields))
    read: S = _converted(shape, table, source)
    return read


def setting_rows(shape: type[msgspec.Struct]) -> list[SettingRow]:
    """Every setting of ``shape`` in its order."""
    hints = get_type_hints(shape, include_extras=True)
    return [
        SettingRow(
            field.name,
            variable_of(field.name),
            _default(field),
            _meaning(hints[field.name]),
        )
        for field in msgspec.structs.fields(shape)
    ]


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    factory: Any = field.default_factory
    return factory()


def _meaning(hint: Any) -> str:
    texts = [
        meta.description
        for meta in getattr(hint, "__metadata__", ())
        if meta.description is not None
    ]
    return " ".join(texts)


def shown(name: str, value: Any) -> str:
    """A value as ``repr`` may show it: no key, no password, no plugin's table."""
    if name in SECRETS and value:
        return "'***'"
    if name == "plugin_settings":
        return f"{{{', '.join(f'{plugin!r}: ...' for plugin in value)}}}"
    if isinstance(value, tuple):
        return f"({', '.join(shown(name, item) for item in value)})"
    return repr(hidden(value) if isinstance(value, str) else value)
