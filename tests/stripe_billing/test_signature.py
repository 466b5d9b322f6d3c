"""A report counts while the time that was signed is fresh, however its header is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import stripe as vendor
from hypothesis import example, given
from hypothesis import strategies as st

from staging_core.backends.stripe_billing.signature import verify
from staging_core.errors import InvalidSignature
from staging_core.models import Callback

SECRET = "whsec_of_the_tests"  # noqa: S105 # pragma: allowlist secret
BODY = '{"id": "evt_1"}'
NOW, LONG_AGO = 1_764_420_000, 1_700_000_000


def signature(at: int) -> str:
    """What Stripe signs this body with at that time."""
    made = vendor.WebhookSignature.generate_signature_header(BODY, SECRET, timestamp=at)
    return made.partition("v1=")[2]


OLD, FRESH = signature(LONG_AGO), signature(NOW)


def believed(header: str) -> bool:
    """Whether it counts now."""
    callback = Callback(
        body=BODY.encode(), headers={"stripe-signature": header}, received_at=float(NOW)
    )
    try:
        verify(callback, (SECRET,))
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW},v1={FRESH}",
        f"t={NOW},v1={OLD},v1={FRESH}",
        f"v1={FRESH},t={NOW}",
        f"t={NOW},v0=abc,v1={FRESH},v2=x=y",
    ],
)
def test_what_stripe_writes_counts(header: str) -> None:
    assert believed(header)


WRITTEN: list[Callable[[int], str]] = [
    lambda at: f"t={at}",
    lambda at: f"t= {at}",
    lambda at: f"t={at} ",
    lambda at: f"t=+{at}",
    lambda at: f"t=0{at}",
    lambda at: f"t={at:_}",
    lambda at: f"t=\t{at}",
    lambda at: f"t={at}=",
    lambda at: f"t={at}={NOW}",
    lambda at: f"t={NOW}={at}",
    lambda at: " t=" + str(at),
    lambda at: "t=" + "".join(chr(0x0660 + int(digit)) for digit in str(at)),
]


@pytest.mark.parametrize("written", WRITTEN)
def test_what_was_signed_long_ago_does_not_count_beside_the_time_of_now(
    written: Callable[[int], str],
) -> None:
    then = written(LONG_AGO)
    for now in (f"t={NOW}", f" t={NOW}", f"t ={NOW}", f"v0={NOW}"):
        assert not believed(f"{then},{now},v1={OLD}")
        assert not believed(f"{now},{then},v1={OLD}")
        assert not believed(f"{then},v1={OLD},{now}")
        assert not believed(f"{then}\n,{now},v1={OLD}")


@pytest.mark.parametrize("header", ["", "t=,v1=", f"v1={FRESH}", f"t={NOW}", f"t={NOW},v1=\u00fc"])
def test_what_is_no_signature_does_not_count(header: str) -> None:
    assert not believed(header)


parts = st.sampled_from(
    [f"v1={OLD}", f"t={NOW}", f"t={LONG_AGO}", *(written(LONG_AGO) for written in WRITTEN)]
)
glue = st.sampled_from([",", ", ", ",,", " ,", "\n,", ";", "", ",t"])


@given(st.lists(st.tuples(parts, glue), max_size=6))
@example([(f"t= {LONG_AGO}", ","), (f"t={NOW}", ","), (f"v1={OLD}", "")])
def test_no_header_makes_an_old_signature_count(made: list[tuple[str, str]]) -> None:
    assert not believed("".join(part + between for part, between in made))
