"""The double as a process, its log, and its page in the reference."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe as vendor

from staging_core.testing import stripe as package
from staging_core.testing.stripe import Chaos, RunningStripe, Settings, stripe_process
from staging_core.testing.stripe.__main__ import _parser, main
from staging_core.testing.stripe.cards import CARDS

from .conftest import played

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/stripe-double.md"


def test_a_double_is_a_process_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    with stripe_process(["--log", str(log), "--key", "sk_test_mine", "--seed", "4"]) as stripe:
        assert stripe.key == "sk_test_mine"

        async def scenario(v1: Any) -> None:
            paid = {"amount": 900, "currency": "usd", "confirm": True}
            await v1.payment_intents.create_async({**paid, "payment_method": "pm_card_visa"})

        played(stripe, scenario)
        told = stripe.truth()
        counts = httpx.get(f"{stripe.url}/_truth/counts").json()
        since = httpx.get(f"{stripe.url}/_truth?since=1").text.splitlines()
    assert [one["n"] for one in told] == list(range(len(told)))
    assert (counts["charge"], counts["request"], len(since)) == (1, 1, len(told) - 1)
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert lines[: len(told)] == told


def test_the_same_seed_has_the_same_ids() -> None:
    async def scenario(v1: Any) -> str:
        return str((await v1.customers.create_async({})).id)

    ids = []
    for seed in (1, 1, 2):
        with package.running_stripe(Settings(seed=seed)) as stripe:
            ids.append(played(stripe, scenario))
    assert ids[0] == ids[1] != ids[2]


def test_wrong_options_are_told_at_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--busy", "2"]) == 2
    assert "not between 0 and 1" in capsys.readouterr().err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "python -m staging_core.testing.stripe --port 8011" in capsys.readouterr().out


def test_the_reference_names_everything_and_nothing_else() -> None:
    words = set(re.findall(r"[\w*-]+", " ".join(re.findall(r"`[^`]+`", PAGE.read_text("utf-8")))))
    public = {name for name in vars(RunningStripe) if not name.startswith("_")} - {"double"}
    assert set(package.__all__) - {"KEY"} <= words
    assert public <= words
    assert set(Chaos.__struct_fields__) <= words
    assert set(CARDS) <= words
    options = {option for action in _parser()._actions for option in action.option_strings}
    chances = {"--" + name.replace("_", "-") for name in Chaos.__struct_fields__}
    assert options - chances - {"-h", "--help"} <= words
    assert {word for word in words if word.startswith("--")} <= options
    assert vendor.api_version in PAGE.read_text("utf-8")
