"""Work done by an operator of the installation, across accounts."""

from __future__ import annotations

from .operating import Operating

__all__ = ["Operating"]
