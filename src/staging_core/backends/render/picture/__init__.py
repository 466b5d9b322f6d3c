"""The furnished photo: furniture drawn into a room and lit by the room's own photo."""

from .rendering import Rendered, render

__all__ = ["Rendered", "render"]
