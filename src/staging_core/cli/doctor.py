"""``staging doctor``: is this installation well?"""

from __future__ import annotations

from typing import Any

import click

from . import options
from .answer import say_json, say_line
from .failure import FAILED
from .running import run

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
    them, such as rights and rules of a bucket. With --audit: counts by invariant
    (jobs forgotten, attempts unbounded, objects missing or unknown, event logs broken), exact while
    no worker runs; the exit code is 0 when all are zero.
    """
    from .checks import audited, examined

    if audit:
        counts = run(audited)
        return _tell_audit(counts, as_json)
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


def _tell_audit(counts: dict[str, int], as_json: bool) -> int:
    violated = [name for name, count in counts.items() if count]
    if as_json:
        say_json({**counts, "error": _violation(violated)} if violated else counts)
    else:
        for name, count in counts.items():
            say_line(f"{name}: {count}")
    return FAILED if violated else 0


def _violation(names: list[str]) -> dict[str, str]:
    return {
        "code": "invariant_violated",
        "message": f"Violated: {', '.join(names)}.",
        "remedy": "Run `staging sweep --bucket` while no worker runs; report what remains.",
    }
