"""The only schema. Every name starts with ``staging_`` so that a host's tables are never touched.

Ids are text; times are Unix seconds as doubles; every row of an account carries its ``account_id``.
"""

from __future__ import annotations

from .accounts import accounts, api_keys, creations, tickets, usage, users
from .base import metadata
from .billing import balances, billing_events, ledger, reservations, subscriptions
from .images import files, groups, images, originals, projects, uploads, words
from .jobs import attempts, events, gates, inbox, jobs, outbox, spend, spend_days
from .operations import audit_log, measures, model_configs, runtime_settings
from .payments import (
    customers,
    metering,
    payment_events,
    payment_objects,
    prices,
    purchases,
)
from .processes import leases, observers
from .webhooks import webhook_attempts, webhook_deliveries, webhook_endpoints

__all__ = [
    "accounts",
    "api_keys",
    "attempts",
    "audit_log",
    "balances",
    "billing_events",
    "creations",
    "customers",
    "events",
    "files",
    "gates",
    "groups",
    "images",
    "inbox",
    "jobs",
    "leases",
    "ledger",
    "measures",
    "metadata",
    "metering",
    "model_configs",
    "observers",
    "originals",
    "outbox",
    "payment_events",
    "payment_objects",
    "prices",
    "projects",
    "purchases",
    "reservations",
    "runtime_settings",
    "spend",
    "spend_days",
    "subscriptions",
    "tickets",
    "uploads",
    "usage",
    "users",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
    "words",
]
