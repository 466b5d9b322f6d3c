"""Where settings come from: the environment and ``staging.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staging_core.errors import SettingError

from .values import Given

PREFIX = "STAGING_"
# Variables that steer the process rather than the installation.
NOT_SETTINGS = frozenset(
    {
        "STAGING_CONFIG",
        "STAGING_TRACE_HOOKS",
        "STAGING_TEST_PAYMENT_RUNS",
        "STAGING_TEST_POSTGRES",
        "STAGING_TEST_POSTGRES_VERSION",
        "STAGING_TEST_REDIS",
    }
)


def from_variables(environ: Mapping[str, str]) -> dict[str, Given]:
    """Every ``STAGING_*`` variable as a setting; known ones or not is for the reader to say."""
    if "STAGING_PLUGIN_SETTINGS" in environ:
        raise SettingError(
            "STAGING_PLUGIN_SETTINGS is not a setting: a variable cannot hold tables.",
            remedy="Write a table [plugins.NAME] for each plugin in staging.toml.",
        )
    return {
        name.removeprefix(PREFIX).lower(): Given(value, name)
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }


def settings_file(environ: Mapping[str, str], file: Path | None) -> Path | None:
    """The settings file to read, or None. One that was named must exist."""
    named = file or (Path(environ["STAGING_CONFIG"]) if "STAGING_CONFIG" in environ else None)
    if named is None:
        found = Path("staging.toml")
        return found if found.is_file() else None
    if not named.is_file():
        raise SettingError(
            f"There is no settings file {str(named)!r}.",
            remedy="Correct STAGING_CONFIG or create the file.",
        )
    return named


def from_file(path: Path) -> dict[str, Given]:
    """The keys of a settings file; ``[plugins.NAME]`` become ``plugin_settings``."""
    table = _parsed(path)
    given = {key: Given(value, f"`{key}` in {path}") for key, value in table.items()}
    if "plugin_settings" in given:
        raise SettingError(
            f"`plugin_settings` in {path} is not a key of the file.",
            remedy="Write a table [plugins.NAME] for each plugin.",
        )
    return given | _plugins(table.get("plugins"), path)


def _plugins(value: Any, path: Path) -> dict[str, Given]:
    """``[plugins]`` holds a table for each plugin and, in ``use``, the list of wanted ones."""
    if not isinstance(value, dict):
        return {}
    source = f"[plugins] in {path}"
    tables = {name: item for name, item in value.items() if isinstance(item, dict)}
    for name in value.keys() - tables.keys() - {"use"}:
        raise SettingError(
            f"{source}: {name!r} is not a table.",
            remedy="Write [plugins.NAME] for a plugin's settings and use = [...] for the list.",
        )
    wanted = None if isinstance(value.get("use"), dict) else value.get("use")
    return {"plugins": Given(wanted, source), "plugin_settings": Given(tables, source)}


def _parsed(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"The settings file {str(path)!r} cannot be read: {error}.") from error
