"""The models of the installation: which is active, and how each is configured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from staging_core.database import audit_log, runtime
from staging_core.errors import NotFound
from staging_core.model_config import Change, fields_of, place_of
from staging_core.models import Actor, ConfigField, ModelCard, ModelConfig, RuntimeSetting
from staging_core.ports import Ports
from staging_core.runtime_settings import ACTIVE_MODEL
from staging_core.sealing import Seal

from .settings import RuntimeSettings


class Models:
    """The stagers that are open, by the id of their card."""

    def __init__(self, ports: Ports, actor: Actor, settings: RuntimeSettings) -> None:
        self._ports = ports
        self._actor = actor
        self._settings = settings

    def cards(self) -> list[ModelCard]:
        """Their cards, in the order of the setting ``stager``."""
        return [stager.card for stager in self._ports.stagers.values()]

    async def active(self) -> RuntimeSetting:
        """The model of requests that name none, as the setting ``active_model``."""
        return await self._settings.get(ACTIVE_MODEL)

    async def activate(self, model: str | None) -> RuntimeSetting:
        """Make it the one of requests that name none, in all processes; None: the first again.

        ``ValidationFailed`` for one that is not open here.
        """
        return await self._settings.change(ACTIVE_MODEL, model)

    def schema(self, model: str) -> tuple[ConfigField, ...]:
        """What can be configured about the model, none where its card declares nothing.

        ``NotFound`` for one that is not open here.
        """
        return fields_of(self._card(model))

    async def config(self, model: str) -> ModelConfig:
        """How the model is configured; ``NotFound``."""
        card = self._card(model)
        async with self._ports.database.read() as tx:
            row = await runtime.config(tx, model)
        return _as_config(card, row)

    async def configure(self, model: str, values: Mapping[str, Any]) -> ModelConfig:
        """Configure the model, for every job that is submitted from now on.

        ``values``: of fields of its schema. They replace what there was: an option that is left
        out, ``null`` or empty has its default again. A secret that is left out or empty is kept,
        one that is ``null`` is removed. ``NotFound``, ``ValidationFailed``; ``SecretsUnavailable``
        for a new secret where the setting ``secrets_key`` is missing.
        """
        card = self._card(model)
        seal = Seal(self._ports.settings.secrets_key)
        async with self._ports.database.write() as tx:
            before = await runtime.config(tx, model, lock=True)
            there: dict[str, str] = {} if before is None else before["secrets"]
            change = Change(card, values, there)
            new = {
                name: seal.close(place_of(card, name), secret)
                for name, secret in change.new_secrets.items()
            }
            secrets = {name: there[name] for name in sorted(change.kept)} | new
            await runtime.configure(
                tx, model, options=change.options, secrets=secrets, by=self._actor.user_id
            )
            await audit_log.add(
                tx,
                "model.configured",
                self._actor,
                target=model,
                before=_told({} if before is None else before["options"], there),
                after={**_told(change.options, secrets), "secrets_changed": sorted(new)},
            )
            row = await runtime.config(tx, model)
        self._ports.recent.forget()
        return _as_config(card, row)

    def _card(self, model: str) -> ModelCard:
        stager = self._ports.stagers.get(model)
        if stager is None:
            raise NotFound(f"There is no model {model[:255]!r} here.")
        return stager.card


def _told(options: dict[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """What the audit log keeps of a configuration: of a secret that there is one."""
    return {"options": options, "secrets": sorted(secrets)}


def _as_config(card: ModelCard, row: Mapping[Any, Any] | None) -> ModelConfig:
    values = {field.name: field.default for field in fields_of(card)}
    if row is None:
        return ModelConfig(model_id=card.id, values=values)
    options = {name: value for name, value in row["options"].items() if name in values}
    return msgspec.structs.replace(
        ModelConfig(model_id=card.id, values={**values, **options}),
        secrets_set=tuple(sorted(row["secrets"].keys() & card.secrets.keys())),
        updated_at=row["updated_at"],
        updated_by=row["updated_by"],
    )
