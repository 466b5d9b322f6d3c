"""With tax switched on a plan is paid in a page of one's own by whose profile has an address."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from staging_core.database import tables
from staging_core.errors import BillingAddressMissing

from .till import Till, open_till


async def says(at: Till, **said: object) -> None:
    """What the first user of the account says of themselves."""
    async with at.house.ports.database.write() as tx:
        its = tables.users.c.account_id == "local"
        await tx.execute(sa.update(tables.users).where(its).values(**said))


def test_an_address_in_the_profile_is_what_tax_goes_by() -> None:
    async def scenario() -> None:
        async with open_till(billing="stripe:?tax=on") as at:
            async with at.house.ports.database.write() as tx:
                its = {"id": "ada", "account_id": "local", "role": "member"}
                times = {"created_at": tx.now, "updated_at": tx.now, "last_seen_at": tx.now}
                await tx.execute(sa.insert(tables.users).values(**its, **times))
            with pytest.raises(BillingAddressMissing) as missing:
                await at.billing("local").subscribe(at.price["pro"], idempotency_key="it")
            assert "billing_address" in missing.value.remedy
            await says(at, full_name="Ada", billing_address={"country": "DE", "city": "Ulm"})
            # A repeat of what was refused asks anew: Stripe keeps a refusal under its key.
            begun = await at.billing("local").subscribe(at.price["pro"], idempotency_key="it")
            assert begun.client_secret
            [customer] = await at.objects("customer")
            assert (customer["name"], customer["address"]["city"]) == ("Ada", "Ulm")
            [one] = await at.objects("subscription")
            assert one["automatic_tax"]["enabled"]

    asyncio.run(scenario())
