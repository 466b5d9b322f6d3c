"""One URL per choice: ``scheme:rest?option=value``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from .errors import SettingError

# At least two letters, so that C:\photos is not taken for a scheme.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.*)", re.DOTALL | re.IGNORECASE | re.ASCII)
_SECRET_NAMES = ("secret", "password", "passwd", "token", "api_key", "apikey", "access_key")
_OURS_ALONE = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")
_PLAIN = re.compile(r"[\w./-]{1,60}", re.ASCII)
# Rather too much than too little: up to the last @, since drivers differ in where a password ends.
_PASSWORDS = (
    re.compile(r"(//[^/?#@:]*:).*(?=@)", re.DOTALL),
    re.compile(r"^([^/?#@:]*:[^/?#@:]*:).*(?=@)", re.DOTALL),
    re.compile(r"^([^/?#@:]*:)[^/?#@]+(?=@)"),
)


class BackendURL(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed backend URL. ``str`` and ``repr`` never show a password.

    ``scheme``: lower case, before the first colon. ``path``: between scheme and query, decoded,
    without a leading ``//``. ``options``: the query. ``raw``: as it was given, for drivers only.
    """

    scheme: str
    path: str
    options: Mapping[str, str]
    raw: str

    @classmethod
    def parse(cls, text: str) -> BackendURL:
        """Read a URL; ``SettingError`` when it has no scheme or carries a secret in its query."""
        matched = _SCHEME.fullmatch(text.strip())
        if matched is None:
            shown = repr(text) if _PLAIN.fullmatch(text) else "This"
            raise SettingError(
                f"{shown} is not a backend URL.",
                remedy="Write it as scheme:rest, for example file:/var/photos or render:.",
            )
        scheme, rest = matched[1].lower(), matched[2]
        path, _, query = rest.partition("?")
        return cls(
            scheme=scheme,
            path=unquote(path.removeprefix("//")),
            options=_options(scheme, query),
            raw=text.strip(),
        )

    def __str__(self) -> str:
        return hidden(self.raw)

    def __repr__(self) -> str:
        return f"BackendURL({hidden(self.raw)!r})"


def _options(scheme: str, query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if any(word in name.lower() for word in _SECRET_NAMES):
            raise SettingError(
                f"The {scheme}: URL carries a secret in its option {name!r}.",
                remedy="Set it in the environment; URLs are logged.",
            )
        if name in options:
            raise SettingError(f"The {scheme}: URL has the option {name!r} twice.")
        options[name] = value
    return options


def hidden(text: str) -> str:
    """The URL with every password (also one inside an encoded option) replaced by ``***``."""
    plain = unquote(text)
    covered = plain
    for password in _PASSWORDS:
        covered = password.sub(r"\1***", covered)
    return text if covered == plain else covered


def is_local(url: str) -> bool:
    """Whether the URL's host is of this machine or network: nobody outside can reach it.

    A name without a dot is one: a container's, or a neighbour's.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return "." not in host or host.endswith(_OURS_ALONE)


def netloc(url: str) -> str:
    """Host and port as they stand in the URL, without a user."""
    return urlsplit(url).netloc.rpartition("@")[2]


def api_address(variable: str, text: str, usual: str) -> str:
    """Where a provider's API is: ``text``, the value of ``variable``, else ``usual``.

    Over HTTPS, unless it is on this machine or network: the key goes there. Without ``/v1``, which
    clients add. ``SettingError`` names the variable.
    """
    api = (text or usual).strip().rstrip("/")
    parts = urlsplit(api)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise SettingError(
            f"{variable} is not the address of an API.",
            remedy=f"Write it as {usual}, without a user, a query or /v1.",
        )
    if parts.scheme == "http" and not is_local(api):
        raise SettingError(
            f"{variable} would send the key to {netloc(api)} unencrypted.",
            remedy="Use https:// for every host that is not on this machine or network.",
        )
    return api.removesuffix("/v1")
