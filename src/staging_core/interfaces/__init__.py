"""The Protocols that backends implement, each method's docstring being its contract.

Protocols never gain methods: growth is a new capability Protocol beside the old one, asked for
with ``supports`` once, when the backend is opened.
"""

from __future__ import annotations

from .auth import AuthContext, Authenticator, KeyBook
from .billing import Billing, BillingContext, KeepsPlans, ReservesElsewhere, Standings
from .capability import supports
from .inspecting import Inspects
from .opening import OpenContext, Opener
from .payments import (
    DescribesCustomers,
    EndsPayments,
    ListsPrices,
    MetersUsage,
    NamesEvents,
    ReportsPayments,
    TakesPayments,
    WithdrawsOffers,
)
from .queue import Carries, Consumes, LimitsRates, Queue, Signals
from .stager import Defers, Finds, Photo, Reaches, ReceivesCallbacks, Stager
from .storage import Copies, Creates, PresignsDownloads, PresignsUploads, Storage, Tidies
from .telemetry import Forgets, Links, Telemetry

__all__ = [
    "AuthContext",
    "Authenticator",
    "Billing",
    "BillingContext",
    "Carries",
    "Consumes",
    "Copies",
    "Creates",
    "Defers",
    "DescribesCustomers",
    "EndsPayments",
    "Finds",
    "Forgets",
    "Inspects",
    "KeepsPlans",
    "KeyBook",
    "LimitsRates",
    "Links",
    "ListsPrices",
    "MetersUsage",
    "NamesEvents",
    "OpenContext",
    "Opener",
    "Photo",
    "PresignsDownloads",
    "PresignsUploads",
    "Queue",
    "Reaches",
    "ReceivesCallbacks",
    "ReportsPayments",
    "ReservesElsewhere",
    "Signals",
    "Stager",
    "Standings",
    "Storage",
    "TakesPayments",
    "Telemetry",
    "Tidies",
    "WithdrawsOffers",
    "supports",
]
