"""Secrets among the settings are never shown, and those that examples say are refused."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from staging_core.config import Settings
from staging_core.errors import HomeUnwritable, MissingSetting, SettingError

KEY = "sesame-sesame-sesame"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_no_secret_is_shown() -> None:
    settings = Settings.from_keywords(
        secret_key=KEY,
        database="postgresql+asyncpg://ann:sesame@db/staging",
        database_admin="postgresql+asyncpg://root:sesame@db/staging",
        queue="redis://:sesame@host/0",
        auth="jwt:https://ann:sesame@issuer",
        plugin_settings={"policy": {"token": "sesame"}},
    )
    assert "sesame" not in repr(settings)
    assert "ann:***@db/staging" in repr(settings)
    assert "'policy': ..." in repr(settings)


@pytest.mark.parametrize(
    "environ",
    [
        {"STAGING_SECRET_KEY": "sesame"},
        {"STAGING_DATABASE": "ann:sesame@db"},
        {"STAGING_STORAGE": "s3://bucket?secret=sesame"},
        {"STAGING_QUEUE": "://ann:sesame@host"},
        {"STAGING_PUBLIC_URL": "ftp://ann:sesame@host"},
        {"STAGING_LEASE_S": "sesame"},
    ],
)
def test_no_error_shows_a_secret(environ: dict[str, str]) -> None:
    with pytest.raises(SettingError) as failed:
        Settings.from_env(environ)
    seen: BaseException | None = failed.value
    while seen is not None:
        assert "sesame" not in f"{seen!s}{getattr(seen, 'remedy', '')}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def test_a_key_is_required_as_soon_as_somebody_else_may_sign_in() -> None:
    with pytest.raises(MissingSetting, match="secret_key") as failed:
        Settings.from_keywords(auth="jwt:https://issuer")
    assert "STAGING_SECRET_KEY" in failed.value.remedy
    assert Settings.from_keywords(auth="jwt:https://issuer", secret_key=KEY).signing_key() == KEY


@pytest.mark.parametrize(
    "left",
    [
        "AT-LEAST-SIXTEEN-RANDOM-CHARACTERS",
        "at-least-sixteen-random-characters",
        "CHANGE-ME-CHANGE-ME",
        "change_me_in_production",
    ],
)
def test_a_key_that_an_example_says_is_refused(left: str) -> None:
    with pytest.raises(SettingError, match=r"^STAGING_SECRET_KEY is still") as failed:
        Settings.from_env({"STAGING_AUTH": "keys:", "STAGING_SECRET_KEY": left})
    assert "token_urlsafe" in failed.value.remedy
    assert left not in failed.value.message


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("STAGING_DATABASE", "postgresql+asyncpg://staging_web:PASSWORD@db:5432/staging"),
        ("STAGING_DATABASE_ADMIN", "postgresql+asyncpg://staging_owner:CHANGE-ME@db/staging"),
        ("STAGING_QUEUE", "redis://:PASSWORD@redis:6379/0"),
    ],
)
def test_a_password_that_an_example_says_is_refused(variable: str, url: str) -> None:
    with pytest.raises(SettingError, match=f"^The password in {variable} is still"):
        Settings.from_env({variable: url})
    kept = url.replace("PASSWORD", "Xw3-example9").replace("CHANGE-ME", "word-of-ours")
    assert Settings.from_env({variable: kept})


def test_an_embedded_installation_makes_its_key_once_for_its_owner_only() -> None:
    settings = Settings.from_keywords(home="shop")
    assert not settings.home.exists()
    key = settings.signing_key()
    assert len(key) >= 40
    assert stat.S_IMODE((settings.home / "secret_key").stat().st_mode) == 0o600
    assert Settings.from_keywords(home="shop").signing_key() == key
    assert [path.name for path in settings.home.iterdir()] == ["secret_key"]
    assert Settings.from_keywords(home="another").signing_key() != key


def test_two_that_make_the_key_at_once_end_with_the_same() -> None:
    settings = Settings.from_keywords(home="shop")
    together = threading.Barrier(8)
    keys: set[str] = set()

    def make() -> None:
        together.wait()
        keys.add(settings.signing_key())

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 1


def test_a_key_that_somebody_else_made_meanwhile_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.from_keywords(home="shop")
    key = settings.signing_key()
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert settings.signing_key() == key
    assert [path.name for path in settings.home.iterdir()] == ["secret_key"]


def test_a_key_that_others_may_read_is_refused() -> None:
    settings = Settings.from_keywords(home="shop")
    settings.signing_key()
    (settings.home / "secret_key").chmod(0o644)
    with pytest.raises(SettingError, match="Others may read") as failed:
        settings.signing_key()
    assert "chmod 600" in failed.value.remedy


def test_a_key_that_is_too_short_is_refused() -> None:
    settings = Settings.from_keywords(home="shop")
    settings.home.mkdir()
    path = settings.home / "secret_key"
    path.touch(mode=0o600)
    with pytest.raises(SettingError, match="too short"):
        settings.signing_key()


def test_a_home_that_is_a_file_cannot_keep_a_key() -> None:
    Path("shop").touch()
    with pytest.raises(HomeUnwritable, match="shop"):
        Settings.from_keywords(home="shop").signing_key()
    assert Path("shop").stat().st_size == 0
