"""Hooks that declare: what plugins provide, by scheme and by command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from staging_core.errors import (
    DuplicateName,
    PluginError,
)
from staging_core.models import Command, Provider

from .hooked import (
    hooks,
    plugin,
    provider,
)

pytestmark = pytest.mark.anyio


def test_providers_are_known_by_scheme_with_their_plugin() -> None:
    known = hooks(plugin(stagers=lambda: [provider()]), builtin=True).providers("stager")
    assert known["acme"] == ("acme", provider())
    assert {"render", "fake"} < known.keys()
    assert known["render"][0] == "staging-core"


def test_a_declaring_hook_may_yield_or_have_nothing_to_declare() -> None:
    def declared() -> Iterable[Provider]:
        yield provider("one")
        yield provider("two")

    known = hooks(plugin(queues=declared), plugin("none", queues=lambda: None))
    assert known.providers("queue").keys() == {"one", "two"}
    assert known.providers("billing") == {}


def test_two_plugins_with_one_scheme_are_both_named() -> None:
    with pytest.raises(DuplicateName, match=r"storage scheme 'file'.*'staging-core' and 'acme'"):
        hooks(plugin(storages=lambda: [provider("file")]), builtin=True).providers("storage")


def test_the_same_scheme_may_be_used_by_another_kind() -> None:
    both = hooks(plugin(stagers=lambda: [provider()], storages=lambda: [provider()]))
    assert both.providers("stager").keys() == both.providers("storage").keys() == {"acme"}


def test_two_plugins_with_one_command_are_both_named() -> None:
    mine = Command(name="stage", opens="acme.cli:stage", summary="Mine")
    with pytest.raises(DuplicateName, match=r"'stage'.*'staging-core' and 'acme'"):
        hooks(plugin(commands=lambda: [mine]), builtin=True).commands()


def test_commands_keep_the_order_of_their_plugins() -> None:
    mine = Command(name="mine", opens="acme.cli:mine", summary="Mine")
    found = hooks(plugin(commands=lambda: [mine]), builtin=True).commands()
    assert found[0][1].name == "stage"
    assert found[-1] == ("acme", mine)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (lambda: [print], "builtin_function_or_method where a Provider belongs"),
        (lambda: 7, "not iterable"),
        (lambda: [provider(install=None)], "Expected `str`, got `null`"),
        (lambda: [provider(requires_env="KEY")], "Expected `array`"),
        (lambda: [provider("Acme!")], "'Acme!' is not a URL scheme"),
        (lambda: [provider("*")], "not a URL scheme"),
        (lambda: [Provider(scheme="acme", opens="acme", summary="")], "module:function"),
        (lambda: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_plugin_that_declares_wrongly_is_named(declared: Any, told: str) -> None:
    with pytest.raises(PluginError, match=r"'acme' failed in staging_stagers") as failed:
        hooks(plugin(stagers=declared)).providers("stager")
    assert told in failed.value.message
    assert failed.value.__cause__ is not None


def test_only_a_storage_may_serve_every_scheme() -> None:
    assert hooks(plugin(storages=lambda: [provider("*")])).providers("storage").keys() == {"*"}


def test_a_command_is_a_word() -> None:
    wrong = Command(name="two words", opens="acme.cli:mine", summary="")
    with pytest.raises(PluginError, match="'two words' is not a command's name"):
        hooks(plugin(commands=lambda: [wrong])).commands()
