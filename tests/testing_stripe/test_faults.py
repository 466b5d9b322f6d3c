"""A bad day: every fault does what it says, at its rate, and again by the same seed."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
import stripe as vendor

from staging_core.testing.stripe import Chaos, RunningStripe
from staging_core.testing.stripe.chaos import CALLS, Dice

from .conftest import Start, played

PATH = "/v1/customers"
Called = Any


def test_what_strikes_before_has_no_effect(stripe: RunningStripe, call: Called) -> None:
    stripe.then("busy")
    busy = call("POST", PATH, {}, idempotency_key="k1")
    assert (busy.status_code, busy.json()["error"]["code"]) == (429, "rate_limit")
    stripe.then("error_before")
    assert call("POST", PATH, {}, idempotency_key="k1").status_code == 500
    stripe.then("cut_before")
    with pytest.raises(httpx.RemoteProtocolError):
        call("POST", PATH, {}, idempotency_key="k1")
    assert stripe.objects("customer") == []
    assert call("POST", PATH, {}, idempotency_key="k1").status_code == 200


def test_a_lost_answer_has_its_effect_and_is_given_again(
    stripe: RunningStripe, call: Called
) -> None:
    stripe.then("lost_answer")
    with pytest.raises(httpx.RemoteProtocolError):
        call("POST", PATH, {}, idempotency_key="k1")
    (made,) = stripe.objects("customer")
    again = call("POST", PATH, {}, idempotency_key="k1")
    assert again.json()["id"] == made["id"]
    assert len(stripe.objects("customer")) == 1


def test_an_error_after_the_effect_is_kept_under_its_key(
    stripe: RunningStripe, call: Called
) -> None:
    stripe.then("error_after")
    answers = [call("POST", PATH, {}, idempotency_key="k1").status_code for _ in range(2)]
    assert answers == [500, 500]
    assert len(stripe.objects("customer")) == 1


def test_an_error_without_effect_may_be_kept_under_its_key(
    stripe: RunningStripe, call: Called
) -> None:
    stripe.then("error_kept")
    answers = [call("POST", PATH, {}, idempotency_key="k1").status_code for _ in range(2)]
    assert answers == [500, 500]
    assert stripe.objects("customer") == []
    assert call("POST", PATH, {}, idempotency_key="k2").status_code == 200


def test_a_time_out_comes_after_the_effect(stripe: RunningStripe) -> None:
    stripe.then("slow_after")

    async def impatient(v1: Any) -> None:
        with pytest.raises(vendor.APIConnectionError):
            await v1.customers.create_async({"name": "Ada"}, {"idempotency_key": "k1"})

    played(stripe, impatient, timeout=0.3)
    (made,) = stripe.objects("customer")

    async def patient(v1: Any) -> str:
        same = {"idempotency_key": "k1"}
        return str((await v1.customers.create_async({"name": "Ada"}, same)).id)

    assert played(stripe, patient) == made["id"]


def test_the_vendors_client_tries_again_under_one_key(stripe: RunningStripe) -> None:
    stripe.then("error_before", "POST /v1/customers")
    stripe.then("lost_answer", "POST /v1/customers")

    async def scenario(v1: Any) -> None:
        await v1.customers.create_async({})

    played(stripe, scenario, max_network_retries=3)
    assert len(stripe.objects("customer")) == 1
    told = [(one["status"], one.get("fault")) for one in stripe.truth("request")]
    assert told == [(500, "error_before"), (None, "lost_answer"), (200, None)]
    assert len({one["key"] for one in stripe.truth("request")}) == 1


def test_a_fault_waits_for_the_call_that_it_is_meant_for(
    stripe: RunningStripe, call: Called
) -> None:
    stripe.then("error_before", "POST /v1/prices")
    stripe.then("busy", "GET *")
    assert call("POST", PATH, {}).status_code == 200
    assert call("GET", PATH).status_code == 429
    assert call("GET", PATH).status_code == 200
    assert call("POST", "/v1/prices", {}).status_code == 500


def test_chances_strike_at_their_rate_and_again_by_the_same_seed(
    start: Start, call: Called
) -> None:
    def struck(seed: int) -> list[str | None]:
        dice = Dice(seed, Chaos(busy=0.2, lost_answer=0.1))
        return [dice.of_call("POST", PATH) for _ in range(4000)]

    first = struck(1)
    assert first == struck(1) != struck(2)
    assert first.count("busy") / 4000 == pytest.approx(0.2, abs=0.02)
    assert first.count("lost_answer") / 4000 == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    "wrong",
    [{"busy": 1.1}, {"busy": -0.1}, {"busy": 0.6, "slow": 0.6}, {"unheard_of": 0.1}],
)
def test_chaos_that_cannot_be_is_refused(stripe: RunningStripe, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="422"):
        stripe.chaos(**wrong)
    with pytest.raises(ValueError, match="no fault"):
        stripe.then("unheard_of")


def test_every_fault_has_a_chance_of_its_own() -> None:
    assert set(CALLS) <= set(Chaos.__struct_fields__)
    calm = msgspec.to_builtins(Chaos())
    assert {calm[name] for name in CALLS} == {0.0}
