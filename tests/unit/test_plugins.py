"""Finding plugins: what is loaded, in which order, and who is named when one is broken."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest

from staging_core.errors import DuplicateName, PluginError, SettingError
from staging_core.hookspecs import hookimpl
from staging_core.plugins import DECLARE, hook_names, installed_names, load_plugins

Install = Callable[..., str]

LABELS = """
@hookimpl
def staging_label(job, picture, statement):
    return None
"""


class Labels:
    """A host's object that takes part in one hook."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    @hookimpl
    def staging_label(self, picture: object) -> None:
        """Change nothing."""


# --- what is loaded ------------------------------------------------------------------------------


def test_our_own_backends_and_commands_are_a_plugin_like_any_other() -> None:
    (own,) = load_plugins([]).describe()
    assert own.name == own.distribution == "staging-core"
    assert set(own.hooks) == DECLARE


def test_without_a_selection_every_installed_plugin_is_loaded(install: Install) -> None:
    install(LABELS, name="acme")
    plugins = load_plugins()
    assert plugins.names() == ("staging-core", *installed_names())
    row = next(row for row in plugins.describe() if row.name == "acme")
    assert row == ("acme", "acme-staging", "1.2", ("staging_label",))


def test_a_selection_loads_only_what_it_names_and_imports_nothing_else(install: Install) -> None:
    wanted = install(LABELS, name="wanted", distribution="wanted-dist")
    other = install("raise RuntimeError('imported')", name="other", distribution="other-dist")
    assert load_plugins(["wanted"]).names() == ("staging-core", "wanted")
    assert wanted in sys.modules
    assert other not in sys.modules


def test_an_empty_selection_does_not_even_look_at_what_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", None)
    assert load_plugins(()).names() == ("staging-core",)


def test_a_selection_may_hold_objects_and_modules() -> None:
    module = ModuleType("shop.hooks")
    module.staging_label = hookimpl(lambda picture: None)  # type: ignore[attr-defined]
    plugins = load_plugins([Labels("mine"), module, Labels()])
    assert plugins.names() == ("staging-core", "mine", "shop.hooks", "Labels")
    assert plugins.describe()[1] == ("mine", "", "", ("staging_label",))


def test_our_own_plugin_may_be_named_and_can_be_left_out() -> None:
    assert load_plugins(["staging-core"]).names() == ("staging-core",)
    assert load_plugins([], include_builtin=False).names() == ()


def test_installed_plugins_can_be_named_without_being_imported(install: Install) -> None:
    module = install("raise RuntimeError('imported')")
    assert "acme" in installed_names()
    assert module not in sys.modules


# --- order ---------------------------------------------------------------------------------------


def test_plugins_are_called_in_the_order_of_the_selection() -> None:
    plugins = load_plugins([Labels("c"), Labels("a"), Labels("b")])
    assert [name for name, _ in plugins.impls("staging_label")] == ["c", "a", "b"]


def test_tryfirst_goes_before_the_others_and_trylast_after_them() -> None:
    def taking_part(name: str, **marks: bool) -> object:
        return SimpleNamespace(name=name, staging_label=hookimpl(**marks)(lambda picture: None))

    plugins = load_plugins(
        [
            taking_part("last", trylast=True),
            taking_part("one"),
            taking_part("very first", tryfirst=True),
            taking_part("first", tryfirst=True),
            taking_part("two"),
        ]
    )
    order = [name for name, _ in plugins.impls("staging_label")]
    assert order == ["very first", "first", "one", "two", "last"]


# --- broken plugins ------------------------------------------------------------------------------


def assert_named(error: PluginError, *words: str) -> None:
    for word in ("'acme'", "acme-staging 1.2", *words):
        assert word in error.message
    assert error.remedy


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import no_such_package", "No module named 'no_such_package'"),
        ("1 / 0", "ZeroDivisionError"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named_with_its_distribution(
    install: Install, source: str, told: str
) -> None:
    install(source)
    with pytest.raises(PluginError) as failed:
        load_plugins()
    assert_named(failed.value, told)
    assert "pip uninstall acme-staging" in failed.value.remedy
    assert failed.value.__cause__ is not None


def test_a_selection_without_the_broken_plugin_works(install: Install) -> None:
    install("import no_such_package", name="broken", distribution="broken-dist")
    install(LABELS, name="sound", distribution="sound-dist")
    assert load_plugins(["sound"]).names() == ("staging-core", "sound")


def test_two_distributions_with_one_plugin_name_are_both_named(install: Install) -> None:
    install(LABELS, name="acme", distribution="one-dist")
    install(LABELS, name="acme", distribution="two-dist")
    for selection in (None, ["acme"]):
        with pytest.raises(DuplicateName, match="'acme': one-dist and two-dist"):
            load_plugins(selection)
    assert load_plugins([]).names() == ("staging-core",)


@pytest.mark.parametrize("name", ["staging-core", "mine"])
def test_an_object_cannot_take_a_name_that_is_taken(name: str) -> None:
    with pytest.raises(DuplicateName, match=f"'{name}'"):
        load_plugins([Labels("mine"), Labels(name)])


def test_a_plugin_that_is_not_installed_is_answered_with_the_nearest(install: Install) -> None:
    install(LABELS, name="watermark")
    with pytest.raises(PluginError, match="no installed plugin 'watermrak'") as failed:
        load_plugins(["watermrak"])
    assert "Did you mean watermark?" in failed.value.remedy


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("@hookimpl\nasync def staging_stagers():\n    return []", "must be a plain `def`"),
        ("@hookimpl\nasync def staging_commands():\n    yield 1", "async generator"),
        ("@hookimpl\nasync def staging_job_event(event):\n    yield 1", "async generator"),
        ("@hookimpl\ndef staging_label(picture):\n    yield picture", "is a generator"),
        ("@hookimpl(wrapper=True)\ndef staging_label():\n    return (yield)", "wrapper"),
        ("@hookimpl(hookwrapper=True)\ndef staging_label():\n    yield", "wrapper"),
        ("@hookimpl\ndef staging_lable(picture): ...", "staging_lable, which is no hook"),
        ("@hookimpl\ndef staging_label(image): ...", "Argument(s) {'image'}"),
        ("def staging_label(picture): ...", "staging_label, which is not marked"),
        ("x = 1", "takes part in no hook"),
    ],
)
def test_a_plugin_with_a_wrong_function_is_named_with_what_is_wrong(
    install: Install, source: str, told: str
) -> None:
    install(source)
    with pytest.raises(PluginError) as failed:
        load_plugins(["acme"])
    assert_named(failed.value, told)


def test_a_misspelt_hook_is_answered_with_the_nearest(install: Install) -> None:
    install("@hookimpl\ndef staging_lable(picture): ...")
    with pytest.raises(PluginError) as failed:
        load_plugins(["acme"])
    assert "staging_label" in failed.value.remedy


def test_an_optional_hook_of_another_version_is_let_through() -> None:
    plugin = Labels("mine")
    plugin.staging_of_tomorrow = hookimpl(optionalhook=True)(lambda: None)  # type: ignore[attr-defined]
    assert load_plugins([plugin]).describe()[1].hooks == ("staging_label",)


def test_a_hook_may_bear_another_name_in_the_plugin() -> None:
    plugin = SimpleNamespace(
        name="mine", stamp=hookimpl(specname="staging_label")(lambda picture: picture)
    )
    assert [name for name, _ in load_plugins([plugin]).impls("staging_label")] == ["mine"]


def test_a_class_is_not_a_plugin() -> None:
    with pytest.raises(PluginError, match="is a class"):
        load_plugins([Labels])


def test_a_plugin_whose_attributes_raise_is_named() -> None:
    class Shy:
        name = "shy"

        def __getattr__(self, name: str) -> object:
            raise AttributeError(name)

        @property
        def staging_label(self) -> object:
            raise RuntimeError("not now")

    with pytest.raises(PluginError, match="'shy'"):
        load_plugins([Shy()])


def test_a_broken_plugin_is_a_setting_error_so_that_nothing_was_opened() -> None:
    assert issubclass(PluginError, SettingError)


def test_every_declaring_hook_is_a_hook() -> None:
    assert set(hook_names()) > DECLARE
