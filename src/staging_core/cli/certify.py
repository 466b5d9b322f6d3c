"""``staging certify``: the conformance suites against an installed plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from . import options
from .answer import say_json

EXAMPLES = """\b
Examples:
  staging certify staging-template
  staging certify staging-core --url storage=memory:
"""


def _urls(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``SCHEME=URL`` pairs."""
    pairs = [value.partition("=") for value in values]
    for scheme, equals, url in pairs:
        if not (scheme and equals and url):
            raise click.BadParameter("Write it as SCHEME=URL.", ctx, param)
    return {scheme: url for scheme, _, url in pairs}


@click.command(epilog=EXAMPLES)
@click.argument("distribution")
@click.option(
    "--url",
    "urls",
    multiple=True,
    callback=_urls,
    metavar="SCHEME=URL",
    help="How to open a backend, where `scheme:` alone does not do; may be repeated.",
)
@options.as_json
def command(distribution: str, urls: dict[str, str], as_json: bool) -> int:
    """Run the conformance suites against an installed plugin.

    DISTRIBUTION is its name for pip. Needs the extra `testing`.
    """
    from staging_core.errors import StagingError
    from staging_core.testing.certify import certify

    if not as_json:
        return certify(distribution, urls=urls)
    with _stdout_to_stderr():
        code = certify(distribution, urls=urls)
    answer = {"distribution": distribution, "passed": code == 0}
    failed = StagingError("A check failed.", remedy="See the report on stderr.")
    error = {"code": "certify_failed", "message": failed.message, "remedy": failed.remedy}
    say_json({**answer, "error": error} if code else answer)
    return code


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """For children too: the report is for people, the JSON on stdout is not."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
