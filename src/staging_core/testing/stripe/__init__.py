"""A double of Stripe that speaks its HTTP API, misbehaves on request, and logs the truth.

In a test: ``with running_stripe() as stripe:``. As a process:
``python -m staging_core.testing.stripe --port 8011``. Needs ``pip install
'staging-core[testing,stripe]'``: it speaks the version of the API that the installed ``stripe``
package pins, and refuses what that package's types do not know.
"""

from .app import StripeDouble
from .chaos import Chaos, Planned
from .server import RunningStripe, running_stripe, stripe_process
from .settings import KEY, Settings

__all__ = [
    "KEY",
    "Chaos",
    "Planned",
    "RunningStripe",
    "Settings",
    "StripeDouble",
    "running_stripe",
    "stripe_process",
]
