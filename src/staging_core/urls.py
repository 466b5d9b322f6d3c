"""One URL per choice: ``scheme:rest?option=value``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from .errors import SettingError

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*):(.*)$", re.DOTALL)
_SECRET_NAMES = ("secret", "password", "passwd", "token", "api_key", "apikey", "access_key")


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
        matched = _SCHEME.match(text.strip())
        if matched is None:
            raise SettingError(
                f"{_hidden(text)!r} is not a backend URL.",
                remedy="Write it as scheme:rest, for example file:/var/photos or render:.",
            )
        scheme, rest = matched.groups()
        path, _, query = rest.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        for name in options:
            if any(word in name.lower() for word in _SECRET_NAMES):
                raise SettingError(
                    f"The {scheme}: URL carries a secret in its option {name!r}.",
                    remedy="Set it in the environment; URLs are logged.",
                )
        return cls(
            scheme=scheme, path=unquote(path.removeprefix("//")), options=options, raw=text.strip()
        )

    def __str__(self) -> str:
        return _hidden(self.raw)

    def __repr__(self) -> str:
        return f"BackendURL({_hidden(self.raw)!r})"


def _hidden(text: str) -> str:
    """The URL without the password of its user part."""
    parts = urlsplit(text)
    if parts.password is None:
        return text
    return text.replace(f":{parts.password}@", ":***@", 1)
