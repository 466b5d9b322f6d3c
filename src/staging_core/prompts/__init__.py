"""The built-in prompt library: texts as data, versioned, the structure of the room always first."""

from __future__ import annotations

from .building import Prompt, build_prompt, version_of

__all__ = ["Prompt", "build_prompt", "version_of"]
