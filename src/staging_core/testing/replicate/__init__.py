"""A double of Replicate that speaks its HTTP API, misbehaves on request, and logs the truth.

In a test: ``with running_replicate() as replicate:``. As a process:
``python -m staging_core.testing.replicate --port 8010``. Needs ``pip install
'staging-core[testing]'``.
"""

from .app import ReplicateDouble
from .chaos import Chaos
from .faults import ReplicateFaults
from .server import RunningReplicate, replicate_process, running_replicate
from .settings import TOKEN, Settings

__all__ = [
    "TOKEN",
    "Chaos",
    "ReplicateDouble",
    "ReplicateFaults",
    "RunningReplicate",
    "Settings",
    "replicate_process",
    "running_replicate",
]
