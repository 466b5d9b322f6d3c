"""Suggestions for a name that was not found."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, names: Iterable[str]) -> str:
    """One sentence for an error's remedy: the likely names, else all of them, sorted."""
    known = sorted(names)
    if not known:
        return "There is none to choose from."
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Choose one of {', '.join(known)}."
