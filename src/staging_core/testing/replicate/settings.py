"""How a double is set up; all of it can be left as it is."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import msgspec

TOKEN = "r8_double_of_replicate"  # noqa: S105 - opens nothing but the double


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``tokens``: those that are let in. ``secret``: of callbacks; by default made from the seed.

    ``run_s``, ``run_spread_s``: how long a model runs, evenly between mean - spread and mean +
    spread; ``start_s``: how long before it starts. ``manual``: predictions end only when the
    double is told. ``time_factor``: the double's seconds in a real one. ``granted``: an account on
    granted credit. ``creates_per_minute``, ``others_per_minute``: the limits of a token, 0: none.
    ``outputs_url``: where outputs are served, by default where the API is. ``one_picture``: all
    outputs of a size are the same, so that drawing takes nothing from what is measured. ``log``: a
    file that the truth is appended to.
    """

    tokens: tuple[str, ...] = (TOKEN,)
    secret: str | None = None
    seed: int = 0
    run_s: float = 0.0
    run_spread_s: float = 0.0
    start_s: float = 0.0
    manual: bool = False
    time_factor: float = 1.0
    granted: bool = False
    creates_per_minute: int = 600
    others_per_minute: int = 3000
    outputs_url: str | None = None
    one_picture: bool = False
    log: Path | None = None

    def signing_secret(self) -> str:
        """The secret of the callbacks, in the form ``whsec_…``."""
        made = hashlib.sha256(f"callbacks of double {self.seed}".encode()).digest()[:24]
        return self.secret or "whsec_" + base64.b64encode(made).decode()
