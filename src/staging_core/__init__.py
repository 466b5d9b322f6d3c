"""AI virtual staging of real-estate photos, as a library whose every part can be replaced.

>>> from staging_core import stage
>>> stage("empty.jpg", room="living_room", style="scandinavian").save("staged.jpg")

The names below are the public ones; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .acting import Acting as Acting
    from .blocking import Door as Door
    from .blocking import open_door as open_door
    from .config import Settings as Settings
    from .errors import StagingError as StagingError
    from .hookspecs import hookimpl as hookimpl
    from .models import Credentials as Credentials
    from .models import Group as Group
    from .models import Image as Image
    from .models import Job as Job
    from .models import JobEvent as JobEvent
    from .models import Principal as Principal
    from .models import Project as Project
    from .models import StageRequest as StageRequest
    from .remote import Remote as Remote
    from .staged_picture import StagedPicture as StagedPicture
    from .staged_picture import stage as stage
    from .staging import OWNER as OWNER
    from .staging import Staging as Staging

__version__ = "0.1.0"

_HOMES = {
    "Acting": "acting",
    "Credentials": "models",
    "Door": "blocking",
    "open_door": "blocking",
    "Group": "models",
    "Image": "models",
    "Job": "models",
    "JobEvent": "models",
    "OWNER": "staging",
    "Principal": "models",
    "Project": "models",
    "Remote": "remote",
    "Settings": "config",
    "StageRequest": "models",
    "StagedPicture": "staged_picture",
    "Staging": "staging",
    "StagingError": "errors",
    "hookimpl": "hookspecs",
    "stage": "staged_picture",
}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
