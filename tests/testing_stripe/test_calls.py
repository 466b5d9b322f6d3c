"""How the API is called: keys, versions, parameters, pages, expansion, idempotency."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import Play, Shop, Start, played

Called = Any


def test_a_wrong_key_and_no_key_are_401(stripe: RunningStripe, call: Called) -> None:
    wrong = call("GET", "/v1/customers", authorization="Bearer sk_test_somebody_else")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (401, "invalid_request_error")
    assert "sk_test_somebody_else" not in wrong.text
    assert call("GET", "/v1/customers", authorization="").status_code == 401
    with pytest.raises(vendor.AuthenticationError):
        played(stripe, lambda v1: v1.customers.list_async(), key="sk_test_other")


def test_a_key_may_be_the_name_of_basic_authentication(start: Start, call: Called) -> None:
    assert call("GET", "/v1/customers", authorization="Basic " + "!!").status_code == 401
    packed = "c2tfdGVzdF9kb3VibGVfb2Zfc3RyaXBlOg=="  # sk_test_double_of_stripe:
    assert call("GET", "/v1/customers", authorization=f"Basic {packed}").status_code == 200


def test_only_the_pinned_version_is_spoken(stripe: RunningStripe, call: Called) -> None:
    answer = call("GET", "/v1/customers", stripe_version=vendor.api_version)
    assert answer.headers["stripe-version"] == vendor.api_version
    assert answer.headers["request-id"].startswith("req_")
    old = call("GET", "/v1/customers", stripe_version="2020-08-27")
    assert old.status_code == 400
    assert "Invalid Stripe API version" in old.json()["error"]["message"]


def test_what_the_double_does_not_speak_is_said_and_not_tried_again(call: Called) -> None:
    for answer in (
        call("GET", "/v1/customers", stripe_account="acct_1"),
        call("POST", "/v1/customers", {"source": "tok_visa"}),
    ):
        assert (answer.status_code, answer.json()["error"]["type"]) == (501, "api_error")
        assert answer.headers["stripe-should-retry"] == "false"


def error(answer: Any) -> tuple[int, str | None, str | None]:
    told = answer.json()["error"]
    return answer.status_code, told.get("code"), told.get("param")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"colour": "red"}, (400, "parameter_unknown", "colour")),
        ({"address[planet]": "Mars"}, (400, "parameter_unknown", "address[planet]")),
        ({"balance": "much"}, (400, "parameter_invalid_integer", "balance")),
        ({"balance": "99999999999"}, (400, "amount_too_large", "balance")),
        ({"address": "here"}, (400, None, "address")),
        ({"tax_exempt": "maybe"}, (400, None, "tax_exempt")),
        ({"email": "nobody"}, (400, "email_invalid", "email")),
        ({"preferred_locales[a]": "de"}, (400, None, "preferred_locales")),
        ({"payment_method": ""}, (400, "parameter_invalid_empty", "payment_method")),
        ({"payment_method": "pm_none"}, (400, "resource_missing", "payment_method")),
        ({"metadata[" + "k" * 41 + "]": "v"}, (400, None, "metadata[" + "k" * 41 + "]")),
        ({"a[b": "v"}, (400, None, "a[b")),
        ({"source": "tok_visa"}, (501, "not_in_the_double", None)),
    ],
)
def test_a_parameter_that_is_wrong_makes_nothing(
    stripe: RunningStripe, call: Called, form: dict[str, str], expected: Any
) -> None:
    assert error(call("POST", "/v1/customers", form)) == expected
    assert stripe.objects("customer") == []
    assert stripe.truth("event") == []


def test_what_is_required_must_be_there(call: Called) -> None:
    assert error(call("POST", "/v1/products", {})) == (400, "parameter_missing", "name")
    nested = {"currency": "usd", "recurring[interval_count]": "1"}
    assert error(call("POST", "/v1/prices", nested)) == (
        400,
        "parameter_missing",
        "recurring[interval]",
    )
    assert error(call("POST", "/v1/subscriptions", {}))[1:] == ("parameter_missing", "customer")


def test_what_is_not_there_is_404_and_names_itself(call: Called) -> None:
    answer = call("GET", "/v1/customers/cus_none")
    assert error(answer) == (404, "resource_missing", "id")
    assert answer.json()["error"]["message"] == "No such customer: 'cus_none'"
    assert call("GET", "/v1/gadgets").status_code == 404


def test_a_body_of_json_is_refused(stripe: RunningStripe, call: Called) -> None:
    answer = call("POST", "/v1/customers", {"name": "x"}, content_type="application/json")
    assert answer.status_code == 400
    assert "content type" in answer.json()["error"]["message"]


def test_metadata_is_merged_and_an_empty_value_removes_a_key(play: Play) -> None:
    async def scenario(v1: Any) -> list[dict[str, str]]:
        made = await v1.customers.create_async({"metadata": {"account": "7", "1": "one"}})
        changed = await v1.customers.update_async(made.id, {"metadata": {"1": "", "plan": "pro"}})
        emptied = await v1.customers.update_async(made.id, {"metadata": ""})
        return [one.metadata.to_dict() for one in (made, changed, emptied)]

    assert play(scenario) == [{"account": "7", "1": "one"}, {"account": "7", "plan": "pro"}, {}]


# --- pages ----------------------------------------------------------------------------------------


def test_pages_are_walked_forwards_and_backwards(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        made = [(await v1.customers.create_async({"name": str(n)})).id for n in range(7)]
        first = await v1.customers.list_async({"limit": 3})
        assert [one.id for one in first.data] == made[:3:-1]
        assert first.has_more
        walked = [one.id async for one in first.auto_paging_iter()]
        assert walked == made[::-1]
        back = await v1.customers.list_async({"limit": 3, "ending_before": made[1]})
        assert [one.id for one in back.data] == [made[4], made[3], made[2]]

    play(scenario)


def test_a_page_has_one_to_a_hundred_and_a_cursor_that_exists(call: Called) -> None:
    assert error(call("GET", "/v1/customers", {"limit": "0"}))[2] == "limit"
    assert error(call("GET", "/v1/customers", {"limit": "101"}))[2] == "limit"
    unknown = call("GET", "/v1/customers", {"starting_after": "cus_none"})
    assert error(unknown) == (400, "resource_missing", "starting_after")


def test_a_page_may_be_of_some_time(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        early = await v1.customers.create_async({})
        stripe.advance(3600)
        late = await v1.customers.create_async({})
        before = await v1.customers.list_async({"created": {"lt": late.created}})
        after = await v1.customers.list_async({"created": {"gt": early.created}})
        assert [[one.id for one in page.data] for page in (before, after)] == [
            [early.id],
            [late.id],
        ]

    play(scenario)


# --- expansion ------------------------------------------------------------------------------------


def test_ids_are_expanded_into_objects_also_through_lists(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada = await shop.customer()
        await shop.subscription(ada, shop.pro)
        (one,) = (await v1.subscriptions.list_async({"expand": ["data.customer"]})).data
        assert one.customer.email == "ada@example.com"
        expand = ["items.data.price.product"]
        one = await v1.subscriptions.retrieve_async(one.id, {"expand": expand})
        assert one["items"].data[0].price.product.name == "Plan of 2900"

    play(scenario)


@pytest.mark.parametrize("path", ["name", "subscription", "a.b.c.d.e", "items"])
def test_what_cannot_be_expanded_is_refused(play: Play, path: str) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        one = await shop.subscription(await shop.customer(), shop.pro)
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.subscriptions.retrieve_async(one.id, {"expand": [path]})
        assert told.value.param.startswith("expand")

    play(scenario)


# --- idempotency ----------------------------------------------------------------------------------


def test_the_same_key_has_one_effect_and_one_answer(stripe: RunningStripe, call: Called) -> None:
    first = call("POST", "/v1/customers", {"name": "Ada"}, idempotency_key="k1")
    again = call("POST", "/v1/customers", {"name": "Ada"}, idempotency_key="k1")
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(stripe.objects("customer")) == 1


def test_the_same_key_for_something_else_is_refused(stripe: RunningStripe, call: Called) -> None:
    call("POST", "/v1/customers", {"name": "Ada"}, idempotency_key="k1")
    other = call("POST", "/v1/customers", {"name": "Bob"}, idempotency_key="k1")
    elsewhere = call("POST", "/v1/products", {"name": "Ada"}, idempotency_key="k1")
    kinds = [(one.status_code, one.json()["error"]["type"]) for one in (other, elsewhere)]
    assert kinds == [(400, "idempotency_error")] * 2
    assert len(stripe.objects("customer")) == 1


def test_the_same_key_at_the_same_time_is_a_conflict(stripe: RunningStripe, call: Called) -> None:
    stripe.chaos(slow_s=3.0)
    stripe.then("slow", "POST /v1/customers")
    form = {"name": "Ada"}
    with ThreadPoolExecutor(2) as threads:
        asked = [
            threads.submit(call, "POST", "/v1/customers", form, idempotency_key="k1")
            for _ in range(2)
        ]
        answers = sorted((one.result() for one in asked), key=lambda one: one.status_code)
    assert [one.status_code for one in answers] == [200, 409]
    assert error(answers[1])[1] == "idempotency_key_in_use"
    assert answers[1].headers["stripe-should-retry"] == "true"
    assert len(stripe.objects("customer")) == 1


def test_what_was_not_begun_is_not_kept_and_a_key_ends_after_a_day(
    stripe: RunningStripe, call: Called
) -> None:
    assert call("POST", "/v1/products", {}, idempotency_key="k1").status_code == 400
    assert call("POST", "/v1/products", {"name": "Pro"}, idempotency_key="k1").status_code == 200
    stripe.advance(86_401)
    assert call("POST", "/v1/products", {"name": "Max"}, idempotency_key="k1").status_code == 200
    assert call("POST", "/v1/products", {"name": "x"}, idempotency_key="k" * 256).status_code == 400


def test_what_was_declined_is_kept(call: Called) -> None:
    form = {"amount": "900", "currency": "usd", "confirm": "true"}
    form["payment_method"] = "pm_card_chargeDeclined"
    first = call("POST", "/v1/payment_intents", form, idempotency_key="k1")
    again = call("POST", "/v1/payment_intents", form, idempotency_key="k1")
    assert (first.status_code, first.json()) == (402, again.json())


def test_an_event_names_the_call_that_made_it(call: Called) -> None:
    made = call("POST", "/v1/customers", {}, idempotency_key="k1")
    (event,) = call("GET", "/v1/events").json()["data"]
    assert event["type"] == "customer.created"
    assert event["request"] == {"id": made.headers["request-id"], "idempotency_key": "k1"}
    assert event["api_version"] == vendor.api_version
