"""``python -m staging_core.testing.credits``: the double as a process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from staging_core.testing.asgi_server import listening, serve, url_of
from staging_core.testing.double.chances import add_chances, chances_in

from .app import CreditsDouble
from .chaos import Chaos
from .settings import Settings

EXAMPLES = """examples:
  python -m staging_core.testing.credits --port 8012 --credits 10
  python -m staging_core.testing.credits --port 8012 --log truth.jsonl --lost-answer 0.1
  curl http://127.0.0.1:8012/_accounts/local -d '{"credits": 10}'
  curl http://127.0.0.1:8012/_truth
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the first line of standard output says where."""
    asked = _parser().parse_args(arguments)
    names = Settings.__struct_fields__
    settings = Settings(**{name: getattr(asked, name) for name in names})
    try:
        double = CreditsDouble(settings, msgspec.convert(chances_in(asked, Chaos()), Chaos))
        listener = listening(asked.port, asked.host)
    except (ValueError, OSError) as error:
        print(f"credits: {error}", file=sys.stderr)
        return 2
    where = {"url": url_of(listener), "token": settings.token}
    serve(double, [listener], where, as_json=asked.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m staging_core.testing.credits",
        description="A double of a credit service: the truth is at /_truth.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, usual = parser.add_argument, Settings()
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0: any free one (default)")
    add("--json", action="store_true", help="say where it listens as JSON")
    add("--log", type=Path, help="append the truth to this file")
    add("--seed", type=int, default=usual.seed)
    add("--token", default=usual.token, help="the token that is let in")
    add("--credits", type=int, default=usual.credits, help="what an account has at first")
    add_chances(parser, Chaos())
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
