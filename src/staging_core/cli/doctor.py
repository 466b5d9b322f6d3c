"""``staging doctor``: is this installation well?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import options
from .answer import say_json, say_line
from .failure import FAILED
from .running import run

if TYPE_CHECKING:
    from staging_core.audit import Violation

EXAMPLES = """\b
Examples:
  staging doctor
  staging doctor --json
  staging doctor --audit --json
"""


@click.command(epilog=EXAMPLES)
@click.option("--audit", is_flag=True, help="Count violations of the invariants instead.")
@options.as_json
def command(audit: bool, as_json: bool) -> int:
    """Check this installation.

    Opens everything that the settings choose and tries it out; backends tell what is missing around
    them, such as rights and rules of a bucket. With --audit: counts by invariant (jobs lost or
    doubled, attempts unbounded, objects missing or unknown, event logs broken), exact while no
    worker runs; the exit code is 0 when all are zero.
    """
    from .checks import audited, examined

    if audit:
        return _tell_audit(run(audited), as_json)
    return _tell_checks(run(examined), as_json)


def _tell_checks(checks: list[Any], as_json: bool) -> int:
    failed = next((check for check in checks if not check.ok), None)
    if as_json:
        error = {} if failed is None else {"error": failed.failure.as_json()}
        listed = [
            {
                "name": check.name,
                "ok": check.ok,
                "message": check.message,
                **({"advice": check.advice} if check.advice else {}),
            }
            for check in checks
        ]
        say_json({"ok": failed is None, "checks": listed, **error})
    else:
        for check in checks:
            word = "BAD" if not check.ok else "hm " if check.advice else "ok "
            say_line(f"{word} {check.name}: {check.message}")
            if remedy := check.advice or (check.failure and check.failure.remedy):
                say_line(f"      {remedy}")
    return 0 if failed is None else FAILED


def _tell_audit(violations: list[Violation], as_json: bool) -> int:
    from staging_core.audit import counted

    counts = counted(violations)
    if as_json:
        say_json({**counts, "error": _violated(violations)} if violations else counts)
    else:
        for name, count in counts.items():
            say_line(f"{name}: {count}")
        for violation in violations:
            say_line(str(violation))
    return FAILED if violations else 0


def _violated(violations: list[Violation]) -> dict[str, Any]:
    names = dict.fromkeys(violation.invariant for violation in violations)
    return {
        "code": "invariant_violated",
        "message": f"Violated: {', '.join(names)}.",
        "remedy": "Run `staging sweep --bucket` while no worker runs; report what remains.",
        "violations": [str(violation) for violation in violations],
    }
