"""``python -m staging_core.testing.stripe``: the double as a process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from staging_core.testing.asgi_server import listening, serve, url_of
from staging_core.testing.double.chances import add_chances, chances_in

from .account import VERSION
from .app import StripeDouble
from .chaos import Chaos
from .settings import Settings

EXAMPLES = """examples:
  python -m staging_core.testing.stripe --port 8011
  python -m staging_core.testing.stripe --port 8011 --seed 1 --log truth.jsonl \\
      --busy 0.05 --lost-answer 0.05 --events-doubled 0.2 --events-late 0.3 --events-lost 0.1
  curl http://127.0.0.1:8011/v1/customers -u sk_test_double_of_stripe: -d email=ada@example.com
  curl http://127.0.0.1:8011/_clock -d '{"advance": 2678400}'
  curl http://127.0.0.1:8011/_truth
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the first line of standard output says where."""
    asked = _parser().parse_args(arguments)
    chaos = chances_in(asked, Chaos())
    try:
        double = StripeDouble(_settings(asked), msgspec.convert(chaos, Chaos))
        listener = listening(asked.port, asked.host)
    except (ValueError, OSError) as error:
        print(f"stripe: {error}", file=sys.stderr)
        return 2
    where = {"url": url_of(listener), "key": double.settings.keys[0], "version": VERSION}
    serve(double, [listener], where, as_json=asked.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m staging_core.testing.stripe",
        description="A double of Stripe: the truth is at /_truth, chaos is set at /_chaos.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, usual = parser.add_argument, Settings()
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0: any free one (default)")
    add("--json", action="store_true", help="say where it listens as JSON")
    add("--log", type=Path, help="append the truth to this file")
    add("--seed", type=int, default=usual.seed)
    add("--key", action="append", help="a secret key that is let in; may be repeated")
    add("--time-factor", type=float, default=usual.time_factor)
    add("--retries-days", type=int, nargs="*", default=usual.retries_days,
        help="between the tries to be paid")  # fmt: skip
    ends = ("cancel", "unpaid", "past_due", "uncollectible")
    add("--after-retries", choices=ends, default=usual.after_retries,
        help="what becomes of a subscription when all have failed")  # fmt: skip
    add_chances(parser, Chaos())
    return parser


def _settings(asked: argparse.Namespace) -> Settings:
    names = [name for name in Settings.__struct_fields__ if name != "keys"]
    given = {name: getattr(asked, name) for name in names}
    given["retries_days"] = tuple(given["retries_days"])
    return Settings(keys=tuple(asked.key), **given) if asked.key else Settings(**given)


if __name__ == "__main__":
    raise SystemExit(main())
