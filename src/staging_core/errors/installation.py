"""A setting, a plugin or a backend is wrong: nothing was opened."""

from __future__ import annotations

from .base import StagingError


class SettingError(StagingError):
    """A setting is missing or wrong; nothing was opened."""

    code = "setting_invalid"
    remedy_hint = "Correct the setting that the message names."


class MissingSetting(SettingError):
    """A variable that this installation needs is not set."""

    code = "setting_missing"


class UnknownScheme(SettingError):
    """No backend answers to that URL scheme."""

    code = "unknown_scheme"
    remedy_hint = "Run `staging backends` for the schemes that are installed."


class MissingExtra(SettingError):
    """The backend needs a package that is not installed."""

    code = "extra_missing"


class HomeUnwritable(SettingError):
    """The home folder cannot be written."""

    code = "home_unwritable"
    remedy_hint = "Set STAGING_HOME to a folder that this user may write."


class SchemaOutdated(SettingError):
    """The database's schema is not the one this version needs."""

    code = "schema_outdated"
    remedy_hint = "Run `staging db upgrade`."


class PluginError(SettingError):
    """A plugin cannot be used; the message names it."""

    code = "plugin_broken"
    remedy_hint = "Update or remove the plugin that the message names, or list others in `plugins`."


class DuplicateName(PluginError):
    """Two plugins claim the same name or the same URL scheme."""

    code = "plugin_duplicate"
    remedy_hint = "Remove one of the two, or list the one you want in the setting `plugins`."


class HookFailed(StagingError):
    """A plugin's hook raised, took too long or returned the wrong kind; the message names it."""

    code = "hook_failed"
    remedy_hint = "Report it to the plugin's author, or remove the plugin."
