"""``python -m staging_core.testing.issuer``: the issuer as a process."""

from __future__ import annotations

import argparse
import sys

from staging_core.testing.asgi_server import listening, serve, url_of

from .app import IssuerApp
from .issuer import AUDIENCE, Issuer
from .server import RunningIssuer


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the first line of standard output says where."""
    asked = parser().parse_args(arguments)
    try:
        listener = listening(asked.port, asked.host)
        url = url_of(listener) + asked.path
        algorithms = tuple(asked.algorithm or ("RS256",))
        issuer = Issuer(url=url, audience=asked.audience, algorithms=algorithms)
    except (OSError, KeyError, ValueError) as error:
        print(f"issuer: {error}", file=sys.stderr)
        return 2
    running = RunningIssuer(url=url, audience=asked.audience)
    where = {"url": url, "audience": asked.audience, "auth": running.auth()}
    serve(IssuerApp(issuer, url.rstrip("/")), [listener], where, as_json=asked.json)
    return 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m staging_core.testing.issuer",
        description="An OpenID Connect issuer for tests. Tokens: POST /oauth/token with "
        '{"subject": …, "claims": {…}, "fault": …}; GET /_faults lists the faults.',
    )
    add = made.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0: any free one (default)")
    add("--path", default="", help="behind host and port, such as / or /realms/tests")
    add("--audience", default=AUDIENCE, help="of its tokens")
    add("--algorithm", action="append", help="of its keys; may be repeated (RS256)")
    add("--json", action="store_true", help="say where it listens as JSON")
    return made


if __name__ == "__main__":
    raise SystemExit(main())
