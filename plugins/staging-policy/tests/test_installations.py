"""One process, several installations: nobody works under another's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from staging_core.config import Settings
from staging_core.errors import Refused, SettingError
from staging_core.models import StageRequest
from staging_policy import Policy, Rules

KITCHEN = StageRequest(room="kitchen", style="modern", seed=1)


class Opened(NamedTuple):
    """As much of a ``Staging`` as the plugin looks at."""

    settings: Settings


def opened(home: Path, **table: Any) -> Any:
    tables = {"policy": table} if table else None
    return Opened(Settings.from_keywords(home=home, plugin_settings=tables))


def test_the_rules_come_from_the_table(tmp_path: Path) -> None:
    policy = Policy()
    policy.staging_startup(opened(tmp_path, rooms=["bedroom"]))

    with pytest.raises(Refused):
        policy.staging_before_submit(KITCHEN)


def test_a_hosts_own_rules_go_before_the_table(tmp_path: Path) -> None:
    policy = Policy(Rules(rooms=("kitchen",)))
    policy.staging_startup(opened(tmp_path, rooms=["bedroom"]))

    policy.staging_before_submit(KITCHEN)


def test_a_second_installation_with_other_rules_is_turned_away(tmp_path: Path) -> None:
    policy = Policy()
    policy.staging_startup(opened(tmp_path, rooms=["bedroom"]))

    with pytest.raises(SettingError, match="different policies"):
        policy.staging_startup(opened(tmp_path))
    with pytest.raises(Refused):
        policy.staging_before_submit(KITCHEN)


def test_when_all_are_closed_another_may_open_with_its_rules(tmp_path: Path) -> None:
    policy = Policy()
    for _ in range(2):
        policy.staging_startup(opened(tmp_path, rooms=["bedroom"]))
    for _ in range(2):
        policy.staging_shutdown()

    policy.staging_startup(opened(tmp_path))

    policy.staging_before_submit(KITCHEN)
