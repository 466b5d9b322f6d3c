"""A double of a credit service that misbehaves on request, and logs the truth.

In a test: ``with running_credits() as credits:``. As a process:
``python -m staging_core.testing.credits --port 8012``. Needs ``pip install
'staging-core[testing]'``.
"""

from .app import CreditsDouble
from .book import Book, Hold, Refused
from .chaos import FAULTS, Chaos
from .server import RunningCredits, credits_process, running_credits
from .settings import TOKEN, Settings

__all__ = [
    "FAULTS",
    "TOKEN",
    "Book",
    "Chaos",
    "CreditsDouble",
    "Hold",
    "Refused",
    "RunningCredits",
    "Settings",
    "credits_process",
    "running_credits",
]
