"""Every check of every suite fails for a backend that breaks its sentence, and only that check."""

from __future__ import annotations

import pytest

from staging_core.testing.broken import BROKEN, Broken
from staging_core.testing.conformance import (
    AuthConformance,
    BillingConformance,
    Conformance,
    DefersConformance,
    PaymentsConformance,
    PluginConformance,
    QueueConformance,
    StagerConformance,
    StorageConformance,
    failures,
)
from staging_core.testing.conformance.base import OpensConformance, checks

SUITES = (
    AuthConformance,
    BillingConformance,
    DefersConformance,
    PaymentsConformance,
    PluginConformance,
    QueueConformance,
    StagerConformance,
    StorageConformance,
)


def told(row: Broken) -> str:
    """The suite's name and the broken backend's."""
    suite = next(suite for suite in SUITES if issubclass(row.suite, suite))
    return f"{suite.__name__}-{row.name}"


@pytest.mark.parametrize("row", BROKEN, ids=told)
def test_the_suite_catches(row: Broken) -> None:
    failed = failures(row.suite)

    assert set(failed) == row.fails, failed


@pytest.mark.parametrize("suite", SUITES)
def test_every_check_has_a_broken_backend(suite: type[Conformance]) -> None:
    caught = {name for row in BROKEN if issubclass(row.suite, suite) for name in row.fails}
    opening = set(checks(OpensConformance))  # broken once, for storages, and the same everywhere

    assert set(checks(suite)) - opening <= caught
    assert suite is not StorageConformance or opening <= caught
