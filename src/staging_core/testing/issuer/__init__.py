"""A small OpenID Connect issuer on loopback: keys, rotation, outages, and tokens of every kind.

In a test: ``with running_issuer() as issuer:``, then ``Staging(auth=[issuer.auth()], …)`` and
``issuer.token("ada")``. As a process: ``python -m staging_core.testing.issuer --port 8020``.
Needs ``pip install 'staging-core[testing,jwt]'``.
"""

from .faults import FAULTS, Fault
from .issuer import AUDIENCE, MODES, Issuer
from .server import RunningIssuer, issuer_process, running_issuer

__all__ = [
    "AUDIENCE",
    "FAULTS",
    "MODES",
    "Fault",
    "Issuer",
    "RunningIssuer",
    "issuer_process",
    "running_issuer",
]
