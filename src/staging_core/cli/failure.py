"""What went wrong, for people on stderr or for programs on stdout, and the exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

import click
import msgspec

from staging_core.errors import (
    BadInput,
    BadPicture,
    FileMissing,
    FileUnreadable,
    SettingError,
    StagingError,
    UsageLimitExceeded,
)

from .answer import say_json

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
_OF_THE_PHOTO = (BadPicture, FileMissing, FileUnreadable)


class Failure(NamedTuple):
    """An error in three parts, and the exit code that it means. ``more``: facts, for programs."""

    code: str
    message: str
    remedy: str
    exit_code: int
    more: Mapping[str, Any] = {}

    def as_json(self) -> dict[str, Any]:
        """The object that stands under ``error``."""
        told = {"code": self.code, "message": self.message, "remedy": self.remedy}
        return {**told, **self.more}


def failure_from(error: BaseException) -> Failure:
    """What the error means to whoever called the command; of a group, its first one."""
    if isinstance(error, BaseExceptionGroup):
        return failure_from(error.exceptions[0])
    if isinstance(error, StagingError):
        told = (error.code, error.message, error.remedy)
        return Failure(*told, _exit_code(error), _more(error))
    if isinstance(error, click.UsageError):
        path = "staging" if error.ctx is None else error.ctx.command_path
        return Failure("wrong_use", _sentence(error), f"See `{path} --help`.", WRONG_USE)
    if isinstance(error, click.ClickException):
        return Failure("wrong_use", _sentence(error), "Correct the command.", WRONG_USE)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Failure("interrupted", "Interrupted.", "Run the command again.", INTERRUPTED)
    internal = StagingError(f"{type(error).__name__}: {error}")
    return Failure(internal.code, internal.message, internal.remedy, FAILED)


def _more(error: StagingError) -> dict[str, Any]:
    """What would help, where a plan has not enough."""
    shortfall = error.shortfall if isinstance(error, UsageLimitExceeded) else None
    return {} if shortfall is None else {"shortfall": msgspec.to_builtins(shortfall)}


def report(error: BaseException, *, as_json: bool) -> int:
    """Say what went wrong; the exit code."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not as_json:
        click.echo(error.format_message(), err=True)
        return WRONG_USE
    failure = failure_from(error)
    if failure.code == StagingError.code:
        traceback.print_exception(error, file=sys.stderr)
    if as_json:
        say_json({"error": failure.as_json()})
    else:
        say_failure(failure)
    return failure.exit_code


def say_failure(failure: Failure, subject: str = "") -> None:
    """For people: what happened (to ``subject``), its code, and what to do."""
    before = f"{subject}: " if subject else ""
    click.echo(f"{before}{failure.message} ({failure.code})", err=True)
    click.echo(f"  {failure.remedy}", err=True)


def _exit_code(error: StagingError) -> int:
    """A setting, room, style or model that does not exist is wrong use; a bad photo is not."""
    if isinstance(error, SettingError):
        return WRONG_USE
    if isinstance(error, BadInput) and not isinstance(error, _OF_THE_PHOTO):
        return WRONG_USE
    return FAILED


def _sentence(error: click.ClickException) -> str:
    message = error.format_message().replace("\n", " ").strip()
    return message if message.endswith((".", "?", "!")) else f"{message}."
