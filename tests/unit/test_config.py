"""Settings: one name everywhere, what beats what, and errors that name the place and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core.config import Settings
from staging_core.errors import SettingError

KEY = "sesame-sesame-sesame"
NUMBERS = [row.name for row in Settings.rows() if isinstance(row.default, (int, float))]
SHARES = {"rate_limit_key_share"}
COUNTS = [name for name in NUMBERS if name not in SHARES]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def from_env(file: Path | None = None, **environ: str) -> Settings:
    return Settings.from_env(environ, file)


def wrote(text: str, name: str = "staging.toml") -> Path:
    path = Path.cwd() / name
    path.write_text(text)
    return path


# --- defaults -------------------------------------------------------------------------------------


def test_without_any_setting_everything_is_embedded_and_lies_under_the_home(tmp_path: Path) -> None:
    settings = Settings.from_keywords()
    home = tmp_path / ".staging"
    assert settings.home == home
    assert settings.database == f"sqlite+aiosqlite:///{home}/staging.db"
    assert (settings.storage, settings.queue, settings.billing) == ("file:", "local:", "free:")
    assert (settings.stager, settings.auth) == (("render:",), ("local:",))
    assert settings.plugins is None
    assert settings == Settings() == from_env()


def test_the_home_stays_where_it_is_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.from_keywords(home="shop")
    monkeypatch.chdir("/")
    assert settings.home == tmp_path / "shop"


def test_a_tilde_is_the_users_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings.from_keywords(home="~/shop").home == tmp_path / "shop"


def test_at_least_one_process_does_picture_work() -> None:
    assert Settings().picture_processes >= 1


def test_none_means_not_given() -> None:
    nothing = dict.fromkeys(Settings.__struct_fields__)
    assert Settings.from_keywords(**nothing) == Settings()


def test_every_setting_has_a_meaning_in_one_sentence_and_a_variable() -> None:
    for row in Settings.rows():
        assert row.variable == f"STAGING_{row.name.upper()}"
        assert row.meaning.endswith("."), row
        assert "\n" not in row.meaning


# --- where they come from -------------------------------------------------------------------------


def test_keywords_do_not_read_the_environment_or_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_QUEUE", "redis://host")
    monkeypatch.setenv("STAGING_NONSENSE", "a host's own")
    wrote("queue = 'redis://host'")
    assert Settings.from_keywords().queue == "local:"


@given(
    name=st.sampled_from(COUNTS),
    variable=st.none() | st.integers(1, 10**6),
    key=st.none() | st.integers(1, 10**6),
)
def test_a_variable_beats_the_file_and_the_file_beats_the_default(
    name: str, variable: int | None, key: int | None
) -> None:
    with _file("" if key is None else f"{name} = {key}") as file:
        environ = {} if variable is None else {f"STAGING_{name.upper()}": str(variable)}
        settings = Settings.from_env(environ, file)
    default = getattr(Settings(), name)
    given_one = key if variable is None else variable
    assert getattr(settings, name) == (default if given_one is None else given_one)


@contextmanager
def _file(text: str) -> Iterator[Path]:
    path = Path("precedence.toml")
    path.write_text(text)
    yield path
    path.unlink()


@given(st.dictionaries(st.sampled_from(COUNTS), st.integers(1, 10**6)))
def test_a_setting_means_the_same_wherever_it_is_written(values: dict[str, int]) -> None:
    with _file("".join(f"{name} = {value}\n" for name, value in values.items())) as file:
        in_file = Settings.from_env({}, file)
    in_variables = Settings.from_env({f"STAGING_{k.upper()}": str(v) for k, v in values.items()})
    assert in_file == in_variables == Settings.from_keywords(**values)


def test_the_file_in_the_working_folder_is_read_and_another_when_it_is_named() -> None:
    wrote("queue = 'redis://here'")
    elsewhere = wrote("queue = 'redis://there'", "other.toml")
    assert from_env().queue == "redis://here"
    assert from_env(STAGING_CONFIG=str(elsewhere)).queue == "redis://there"
    assert from_env(elsewhere).queue == "redis://there"


def test_a_settings_file_that_was_named_must_exist() -> None:
    with pytest.raises(SettingError, match=r"no settings file 'gone\.toml'"):
        from_env(Path("gone.toml"))
    with pytest.raises(SettingError, match=r"no settings file 'gone\.toml'"):
        from_env(STAGING_CONFIG="gone.toml")


@pytest.mark.parametrize("text", ["queue = ", "queue = 'a'\nqueue = 'b'", "\x00"])
def test_a_file_that_is_not_toml_is_named(text: str) -> None:
    path = wrote(text)
    with pytest.raises(SettingError, match="cannot be read") as failed:
        from_env()
    assert path.name in failed.value.message


def test_a_file_that_is_not_text_is_named() -> None:
    Path("staging.toml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SettingError, match=r"staging\.toml.* cannot be read"):
        from_env()


def test_a_file_may_hold_lists_and_variables_hold_them_with_commas() -> None:
    wrote("stager = ['fake:', 'render:']\nplugins = ['watermark']")
    assert from_env().stager == ("fake:", "render:")
    assert from_env().plugins == ("watermark",)
    given = from_env(STAGING_STAGER="render:, fake:,", STAGING_PLUGINS="")
    assert given.stager == ("render:", "fake:")
    assert given.plugins == ()


def test_a_comma_within_the_options_of_a_url_does_not_end_it() -> None:
    given = from_env(STAGING_STAGER="fake:?script=busy,ok, render:")
    assert given.stager == ("fake:?script=busy,ok", "render:")


def test_plugins_have_tables_of_their_own_in_the_file() -> None:
    wrote("[plugins]\nuse = ['policy']\n[plugins.policy]\nrooms = ['bedroom']\n")
    settings = from_env()
    assert settings.plugins == ("policy",)
    assert settings.plugin_settings == {"policy": {"rooms": ["bedroom"]}}


def test_tables_alone_leave_all_plugins_on() -> None:
    wrote("[plugins.policy]\nrooms = ['bedroom']\n")
    assert from_env().plugins is None
    assert from_env(STAGING_PLUGINS="policy").plugins == ("policy",)


@pytest.mark.parametrize(
    "text", ["[plugins]\npolicy = 'on'", "[plugin_settings.policy]\nrooms = []"]
)
def test_a_plugins_table_written_wrongly_says_how_to_write_it(text: str) -> None:
    wrote(text)
    with pytest.raises(SettingError) as failed:
        from_env()
    assert "[plugins.NAME]" in failed.value.remedy


# --- wrong values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["*", "proxy.internal", "10.0.0.1/8", "0.0.0.0/0", "::/0"])
def test_a_proxy_is_trusted_by_its_address_and_never_everybody(wrong: str) -> None:
    good = Settings.from_keywords(trusted_proxies="10.0.0.7, 192.168.0.0/16, fd00::/8")
    assert good.trusted_proxies == ("10.0.0.7", "192.168.0.0/16", "fd00::/8")
    with pytest.raises(SettingError, match="trusted_proxies"):
        Settings.from_keywords(trusted_proxies=f"10.0.0.7, {wrong}")


def test_an_unknown_name_is_answered_with_the_nearest_wherever_it_is() -> None:
    wrote("strage = 'file:'", "typo.toml")
    for attempt, named, near in (
        (lambda: Settings.from_keywords(strage="file:"), "`strage`", "storage"),
        (lambda: from_env(STAGING_STRAGE="file:"), "STAGING_STRAGE", "STAGING_STORAGE"),
        (lambda: from_env(Path("typo.toml")), "`strage` in typo.toml", "storage"),
    ):
        with pytest.raises(SettingError, match="is not a setting") as failed:
            attempt()
        assert named in failed.value.message
        assert near in failed.value.remedy


def test_variables_that_steer_the_process_are_not_settings() -> None:
    assert from_env(STAGING_TRACE_HOOKS="1", PATH="/bin", STAGINGS="mine") == Settings()


def test_there_is_no_variable_for_tables() -> None:
    with pytest.raises(SettingError, match="STAGING_PLUGIN_SETTINGS") as failed:
        from_env(STAGING_PLUGIN_SETTINGS="{}")
    assert "[plugins.NAME]" in failed.value.remedy


@pytest.mark.parametrize("name", [row.name for row in Settings.rows() if row.name != "plugins"])
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_value_is_refused_rather_than_taken_for_the_default(name: str, empty: str) -> None:
    with pytest.raises(SettingError, match=f"`{name}` is empty"):
        Settings.from_keywords(**{name: empty})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("wrong", ["soon", "-1", "0", "nan", "inf", "1e400", True, [1]])
def test_a_number_is_positive_and_finite(name: str, wrong: Any) -> None:
    with pytest.raises(SettingError, match=f"`{name}`"):
        Settings.from_keywords(**{name: wrong})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("STAGING_STORAGE", "/var/photos"),
        ("STAGING_QUEUE", "redis"),
        ("STAGING_STAGER", "render:, fake"),
        ("STAGING_STAGER", ","),
        ("STAGING_AUTH", "local"),
        ("STAGING_BILLING", "free"),
        ("STAGING_DATABASE", "staging.db"),
        ("STAGING_DATABASE_ADMIN", "postgres"),
        ("STAGING_PUBLIC_URL", "example.com"),
        ("STAGING_PUBLIC_URL", "https://"),
        ("STAGING_PUBLIC_URL", "https://example.com/?a=b"),
        ("STAGING_PUBLIC_URL", "https://[half"),
        ("STAGING_MAX_ATTEMPTS", "2.5"),
        ("STAGING_RATE_LIMIT_KEY_SHARE", "1.5"),
        ("STAGING_SECRET_KEY", "short"),
        ("STAGING_HOME", "null\0byte"),
    ],
)
def test_a_wrong_value_is_answered_with_the_variables_name_and_a_remedy(
    name: str, wrong: str
) -> None:
    with pytest.raises(SettingError) as failed:
        Settings.from_env({name: wrong})
    assert failed.value.message.startswith(name)
    assert failed.value.remedy


@pytest.mark.parametrize("wrong", [7, b"file:", Path("/var"), ["file:"], {"a": 1}])
def test_a_backend_is_a_url_an_opener_or_an_object(wrong: Any) -> None:
    with pytest.raises(SettingError, match="`storage` is a"):
        Settings.from_keywords(storage=wrong)


def test_a_home_that_no_database_url_could_hold_is_refused() -> None:
    with pytest.raises(SettingError, match="question mark"):
        Settings.from_keywords(home="what?")
    assert Settings.from_keywords(home="what?", database="sqlite+aiosqlite:///x.db")


# --- openers and objects --------------------------------------------------------------------------


def test_an_opener_or_an_open_object_may_stand_for_a_url() -> None:
    backend, opener = object(), print
    settings = Settings.from_keywords(storage=backend, queue=opener, stager=[backend, "fake:"])
    assert settings.storage is backend
    assert settings.queue is opener
    assert settings.stager == (backend, "fake:")
    assert Settings.from_keywords(stager=backend).stager == (backend,)
    assert Settings.from_keywords(plugins=[backend]).plugins == (backend,)


def test_the_public_address_loses_the_slash_at_its_end() -> None:
    assert Settings.from_keywords(public_url="https://a.b/staging/").public_url == (
        "https://a.b/staging"
    )


# --- plugins' own tables --------------------------------------------------------------------------


class Policy(msgspec.Struct, frozen=True):
    rooms: tuple[str, ...] = ()
    limit: int = 3


def test_a_plugin_reads_its_table_in_a_shape_of_its_own() -> None:
    settings = Settings.from_keywords(plugin_settings={"policy": {"rooms": ["bedroom"]}})
    assert settings.plugin("policy", Policy) == Policy(rooms=("bedroom",))
    assert settings.plugin("another", Policy) == Policy()


@pytest.mark.parametrize(
    ("table", "told"), [({"limt": 3}, "'limt'"), ({"limit": "many"}, "Expected `int`")]
)
def test_a_wrong_table_names_the_plugin_and_the_key(table: dict[str, Any], told: str) -> None:
    settings = Settings.from_keywords(plugin_settings={"policy": table})
    with pytest.raises(SettingError, match=r"\[plugins\.policy\]") as failed:
        settings.plugin("policy", Policy)
    assert told in failed.value.message
