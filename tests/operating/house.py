"""Installations with models that can be configured."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from staging_core import Principal, Staging
from staging_core.models import Attempt
from staging_core.testing.fake_deferred import FakeDeferred
from staging_core.testing.fake_stager import FakeStager
from staging_core.testing.servers.databases import migrated_file

OPTIONS = {
    "type": "object",
    "properties": {
        "go_fast": {"type": "boolean", "default": True, "description": "Less careful."},
        "steps": {"type": "integer", "minimum": 1, "maximum": 50},
        "strength": {"type": "number", "minimum": 0, "maximum": 1},
        "resolution": {"type": "string", "enum": ["1K", "2K"], "default": "1K"},
        "hosts": {"type": "array"},
    },
}
ADA = Principal(account_id="accounts-of-ada", user_id="ada")
OPERATOR = Principal(account_id="house", user_id="olga", role="operator")
KEY, NEXT_KEY = "A" * 43 + "=", "B" * 42 + "A="


class Configurable(FakeStager):
    """A model with options and a secret; ``secrets``: what each call was given."""

    def __init__(self, name: str = "qwen/qwen-image-edit", **card: Any) -> None:
        super().__init__()
        declared = {"options": OPTIONS, "secrets": {"token": "Of the provider."}, **card}
        self.card = msgspec.structs.replace(self.card, id=name, **declared)
        self.secrets: list[dict[str, str]] = []

    async def stage(self, request: Any, photo: Any, attempt: Attempt) -> Any:
        self.secrets.append(dict(attempt.secrets))
        return await super().stage(request, photo, attempt)


class ConfigurableLater(FakeDeferred):
    """The same for a model that answers later."""

    def __init__(self) -> None:
        super().__init__(finish_after=1)
        self.card = msgspec.structs.replace(self.card, secrets={"token": "Of the provider."})
        self.secrets: list[dict[str, str]] = []

    async def create(self, request: Any, photo: Any, attempt: Attempt) -> str:
        self.secrets.append(dict(attempt.secrets))
        return await super().create(request, photo, attempt)


def installed(home: Path, *stagers: object, **settings: Any) -> Staging:
    """An installation that works when told to."""
    if "database" not in settings:
        migrated_file(home)
    usual = {"plugins": (), "worker": False, "secrets_key": KEY}
    return Staging(home=home, stager=stagers or (Configurable(),), **{**usual, **settings})


def photo(number: int = 0) -> bytes:
    """A small picture; each number another one."""
    buffer = BytesIO()
    picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
    picture.putpixel((number % 320, number // 320), (255, 0, number % 256))
    picture.save(buffer, "PNG")
    return buffer.getvalue()


WISH: dict[str, Any] = {"room": "bedroom", "style": "modern", "seed": 7}
