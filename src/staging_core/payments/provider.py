"""The payment provider of an installation, where its billing backend is one."""

from __future__ import annotations

from typing import NamedTuple

from staging_core.errors import ServiceUnavailable
from staging_core.interfaces import (
    MetersUsage,
    NamesEvents,
    ReportsPayments,
    TakesPayments,
    supports,
)
from staging_core.ports import Ports


class Provider(NamedTuple):
    """``source``: its name; ``reports``: what it tells; ``meters``: where it meters usage.

    ``names``: where its events tell of what is not kept here.
    """

    source: str
    reports: ReportsPayments
    meters: MetersUsage | None
    names: NamesEvents | None


def provider_of(ports: Ports) -> Provider | None:
    """The open one; None where nothing is paid through a provider."""
    takes = supports(ports.billing, TakesPayments)
    reports = supports(ports.billing, ReportsPayments)
    if takes is None or reports is None:
        return None
    meters = supports(ports.billing, MetersUsage)
    return Provider(takes.source, reports, meters, supports(ports.billing, NamesEvents))


def needed(ports: Ports) -> Provider:
    """The open one; ``ServiceUnavailable`` where there is none."""
    provider = provider_of(ports)
    if provider is None:
        raise ServiceUnavailable(
            "Payments are not configured here: nothing is charged, and everybody has the free plan."
        )
    return provider
