"""Settings that change while the installation runs."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from staging_core.models import RuntimeSetting
from staging_embed.call import Call
from staging_embed.paging import WholeList
from staging_embed.times import rfc3339_or_none

from .group import admin, operators


class Choice(Struct, frozen=True, kw_only=True):
    """A value that is chosen; `null`: what the processes' own settings say holds again."""

    value: Annotated[Any, Meta(examples=["render"])]


class SettingAnswer(Struct, frozen=True, kw_only=True):
    """One setting. `default`: what holds where nothing is chosen; then `updated_at` is null."""

    key: str
    value: Any
    default: Any
    type: str
    description: str
    updated_at: str | None
    updated_by: str | None


class SettingList(WholeList, frozen=True, kw_only=True):
    """Every setting that can be changed while the installation runs."""

    settings: list[SettingAnswer]


@admin.get("/admin/settings", operators)
async def list_settings(call: Call) -> SettingList:
    """The settings that can be changed while the installation runs."""
    return SettingList(
        settings=[setting_answer(row) for row in await call.operating.settings.all()]
    )


@admin.get("/admin/settings/{key}", operators)
async def get_setting(call: Call) -> SettingAnswer:
    """One of them."""
    return setting_answer(await call.operating.settings.get(call.key("key")))


@admin.put("/admin/settings/{key}", operators)
async def change_setting(call: Call, body: Choice) -> SettingAnswer:
    """Choose a value, which holds in all processes within a second."""
    return setting_answer(await call.operating.settings.change(call.key("key"), body.value))


def setting_answer(setting: RuntimeSetting) -> SettingAnswer:
    """The setting as it is told."""
    return SettingAnswer(
        key=setting.key,
        value=setting.value,
        default=setting.default,
        type=setting.type,
        description=setting.description,
        updated_at=rfc3339_or_none(setting.updated_at),
        updated_by=setting.updated_by,
    )
