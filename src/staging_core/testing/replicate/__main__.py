"""``python -m staging_core.testing.replicate``: the double as a process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from staging_core.testing.asgi_server import listening, serve, url_of
from staging_core.testing.double.chances import add_chances, chances_in

from .app import ReplicateDouble
from .chaos import Chaos
from .server import with_outputs
from .settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the first line of standard output says where."""
    asked = _parser().parse_args(arguments)
    chaos = chances_in(asked, Chaos())
    try:
        ports = [asked.port, 0] if asked.outputs_elsewhere else [asked.port]
        listeners = [listening(port, asked.host) for port in ports]
        settings = with_outputs(_settings(asked), listeners)
        double = ReplicateDouble(settings, msgspec.convert(chaos, Chaos))
    except (ValueError, OSError) as error:
        print(f"replicate: {error}", file=sys.stderr)
        return 2
    where = {
        "url": url_of(listeners[0]),
        "token": double.settings.tokens[0],
        "secret": double.settings.signing_secret(),
    }
    serve(double, listeners, where, as_json=asked.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m staging_core.testing.replicate",
        description="A double of Replicate: the truth is at /_truth, chaos is set at /_chaos.",
    )
    add, usual = parser.add_argument, Settings()
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0: any free one (default)")
    add("--json", action="store_true", help="say where it listens as JSON")
    add("--log", type=Path, help="append the truth to this file")
    add("--seed", type=int, default=usual.seed)
    add("--token", action="append", help="a token that is let in; may be repeated")
    add("--secret", help="of the callbacks, whsec_…; by default made from the seed")
    add("--run-s", type=float, default=usual.run_s, help="how long a model runs")
    add("--run-spread-s", type=float, default=usual.run_spread_s)
    add("--start-s", type=float, default=usual.start_s, help="how long before it starts")
    add("--manual", action="store_true", help="predictions end only at /_predictions/ID/finish")
    add("--time-factor", type=float, default=usual.time_factor)
    add("--granted", action="store_true", help="an account on granted credit: 6 creates a minute")
    add("--creates-per-minute", type=int, default=usual.creates_per_minute, help="0: no limit")
    add("--others-per-minute", type=int, default=usual.others_per_minute, help="0: no limit")
    add("--outputs-url", help="where outputs are fetched, by default where the API is")
    add("--one-picture", action="store_true", help="draw each size once, for measurements")
    add("--outputs-elsewhere", action="store_true", help="serve outputs on a port of their own")
    add_chances(parser, Chaos())
    return parser


def _settings(asked: argparse.Namespace) -> Settings:
    names = Settings.__struct_fields__
    given = {name: getattr(asked, name) for name in names if name != "tokens"}
    return Settings(tokens=tuple(asked.token), **given) if asked.token else Settings(**given)


if __name__ == "__main__":
    raise SystemExit(main())
