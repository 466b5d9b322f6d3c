"""Models: which is active, and how each is configured."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from staging_core.errors import SecretsUnavailable
from staging_core.models import ConfigField, ModelConfig
from staging_embed.call import Call
from staging_embed.paging import WholeList
from staging_embed.times import rfc3339_or_none

from .group import admin, operators
from .settings import Choice, SettingAnswer, setting_answer


class AdminModel(Struct, frozen=True, kw_only=True):
    """A model that is open here. `is_active`: requests that name none get it."""

    id: str
    name: str
    description: str
    version: str
    is_active: bool


class AdminModels(WholeList, frozen=True, kw_only=True):
    """Models, in the order of the setting `stager`."""

    models: list[AdminModel]


class ConfigAnswer(Struct, frozen=True, kw_only=True):
    """How a model is configured: of every field its value, or its default where none is set.

    Secrets are empty; `secrets_set` names those that there are.
    """

    model_id: str
    config: dict[str, Any]
    secrets_set: list[str]
    updated_at: str | None
    updated_by: str | None


class FieldAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One field of a configuration. `options`: all values that it may have."""

    name: str
    type: Literal["bool", "string", "int", "float"]
    default: Any
    description: str
    required: bool
    options: list[Any] | None = None
    min: float | None = None
    max: float | None = None
    secret: bool = False


class ConfigSchema(Struct, frozen=True, kw_only=True):
    """What can be configured about a model; no fields where its card declares none."""

    model_id: str
    display_name: str
    fields: list[FieldAnswer]


Values = Annotated[
    dict[str, Any],
    Meta(
        description="Values by field, replacing those there are. A secret that is left out or "
        "empty is kept, null removes it; any other field that is left out, empty or null has its "
        "default again."
    ),
]


@admin.get("/admin/models", operators)
async def list_admin_models(call: Call) -> AdminModels:
    """The models that are open here, and which is active."""
    models = call.operating.models
    active = (await models.active()).value
    return AdminModels(
        models=[
            AdminModel(
                id=card.id,
                name=card.name,
                description=card.summary,
                version=card.version,
                is_active=card.id == active,
            )
            for card in models.cards()
        ]
    )


@admin.get("/admin/models/active", operators)
async def get_active_model(call: Call) -> SettingAnswer:
    """The model of requests that name none."""
    return setting_answer(await call.operating.models.active())


@admin.put("/admin/models/active", operators)
async def activate_model(call: Call, body: Choice) -> SettingAnswer:
    """Make a model that is open here the one of requests that name none.

    It holds in all processes within a second; `null` makes it the first one again.
    """
    return setting_answer(await call.operating.models.activate(body.value))


@admin.get("/admin/models/{model_id:slashed}/config", operators)
async def get_model_config(call: Call) -> ConfigAnswer:
    """How a model is configured; its id is URL-encoded (`qwen%2Fqwen-image-edit`)."""
    return _config(await call.operating.models.config(call.whole("model_id")))


@admin.put("/admin/models/{model_id:slashed}/config", operators, errors=(SecretsUnavailable,))
async def configure_model(call: Call, body: Values) -> ConfigAnswer:
    """Configure a model, for all jobs that are submitted from now on.

    A job keeps what it was submitted with.
    """
    return _config(await call.operating.models.configure(call.whole("model_id"), body))


@admin.get("/admin/models/{model_id:slashed}/config/schema", operators)
async def get_model_config_schema(call: Call) -> ConfigSchema:
    """What can be configured about a model."""
    models, model_id = call.operating.models, call.whole("model_id")
    fields = [_field(field) for field in models.schema(model_id)]
    name = next(card.name for card in models.cards() if card.id == model_id)
    return ConfigSchema(model_id=model_id, display_name=name, fields=fields)


def _config(config: ModelConfig) -> ConfigAnswer:
    return ConfigAnswer(
        model_id=config.model_id,
        config=config.values,
        secrets_set=list(config.secrets_set),
        updated_at=rfc3339_or_none(config.updated_at),
        updated_by=config.updated_by,
    )


def _field(field: ConfigField) -> FieldAnswer:
    return FieldAnswer(
        name=field.name,
        type=field.type,
        default=field.default,
        description=field.description,
        required=field.required,
        options=list(field.options) or None,
        min=field.min,
        max=field.max,
        secret=field.is_secret,
    )
