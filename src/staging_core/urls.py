"""One URL per choice: ``scheme:rest?option=value``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

import msgspec

from .errors import SettingError

# At least two letters, so that C:\photos is not taken for a scheme.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.*)", re.DOTALL | re.IGNORECASE | re.ASCII)
_SECRET_NAMES = ("secret", "password", "passwd", "token", "api_key", "apikey", "access_key")
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
