"""Refuses what a shop does not allow, and keeps a journal of what happened."""

from __future__ import annotations

from .policy import Policy
from .rules import Rules

__all__ = ["Policy", "Rules", "policy"]

policy = Policy()
"""The plugin as the entry point names it: its rules come from ``[plugins.policy]``."""
