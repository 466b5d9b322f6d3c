"""A dearer plan is asked for without its metered items, which follow when it is paid."""

from __future__ import annotations

import pytest

from staging_core.errors import Busy

from .conftest import Play, Shop, plan
from .test_buying import intent_of


def test_a_dearer_plan_without_overage_waits_until_it_is_paid(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        overage = await shop.billing.publish(plan(amount=40, overage=True))
        other = await shop.billing.publish(plan("business", amount=30, overage=True))
        pro = await shop.offer(overage_price_id=overage)
        one = await shop.subscribed(ada, pro)
        bad = await shop.v1.payment_methods.attach_async(
            "pm_card_chargeCustomerFail", {"customer": ada}
        )
        await shop.billing.choose_payment_method(ada, bad.id)
        business = await shop.offer("business", 9900)
        waiting = await shop.billing.switch(one, business, key="up")
        assert (waiting.price_id, waiting.overage_price_ids) == (pro.price_id, (overage,))
        with pytest.raises(Busy):  # another update would undo the one that waits
            await shop.billing.charge_beyond(one, other, instead_of=(overage,), key="early")
        card = {"payment_method": "pm_card_visa"}
        await shop.v1.payment_intents.confirm_async(intent_of(waiting.client_secret), card)
        for key in ("now", "now again"):
            after = await shop.billing.charge_beyond(one, other, instead_of=(overage,), key=key)
            assert (after.price_id, after.overage_price_ids) == (business.price_id, (other,))

    play(scenario)
