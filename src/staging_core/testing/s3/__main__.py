"""``python -m staging_core.testing.s3 [--port N] [--bucket NAME]...``: serve until interrupted."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress

from staging_core.errors import MissingExtra

from .server import S3Server


def main() -> int:
    """Print the endpoint and the keys as one line of JSON, then serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000, help="0: a free one (9000)")
    parser.add_argument("--bucket", action="append", default=[], help="made at the start")
    chosen = parser.parse_args()
    try:
        server = S3Server(*chosen.bucket, port=chosen.port)
    except MissingExtra as error:
        print(f"{error.message} {error.remedy}", file=sys.stderr)
        return 2
    print(json.dumps({"endpoint_url": server.endpoint_url, **server.secrets}), flush=True)
    with suppress(KeyboardInterrupt):
        server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
