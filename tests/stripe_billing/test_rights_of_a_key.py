"""The how-to names every right that a restricted key needs, of what is expanded too."""

from __future__ import annotations

import re
from pathlib import Path

from staging_core.backends import stripe_billing

ROOT = Path(__file__).resolve().parents[2]
HOW_TO = ROOT / "docs" / "how-to" / "take-payments-with-stripe.md"
WRITTEN = {
    "billing.meter_events": "meter events",
    "billing.meters": "meters",
    "billing.meters.event_summaries": "meters",
    "billing_portal.sessions": "portal sessions",
    "checkout.sessions": "checkout sessions",
    "customers": "customers",
    "customers.payment_methods": "payment methods",
    "invoices": "invoices",
    "payment_methods": "payment methods",
    "prices": "prices",
    "products": "products",
    "subscriptions": "subscriptions",
}
READ = {
    "disputes": "disputes",
    "entitlements.active_entitlements": "entitlements",
    "events": "events",
    "payment_intents": "payment intents",
}
EXPANDED = {
    "latest_charge": "charges",
    "latest_invoice": "invoices",
    "pending_setup_intent": "setup intents",
    "subscriptions": "subscriptions",
}


def test_a_restricted_key_with_the_rights_of_the_how_to_may_make_every_call() -> None:
    package = Path(stripe_billing.__file__).parent
    source = "\n".join(path.read_text("utf-8") for path in package.glob("*.py"))
    resources = re.findall(r"_v1\.((?:(?!\w+_async)[a-z_]+\.?)+)", source)
    called = {name.rstrip(".") for name in resources}
    assert called == WRITTEN.keys() | READ.keys()
    lists = re.findall(r'"expand"\]? ?[:=] (\[[^\]]*\])|_SECRETS = (\([^)]*\))', source)
    names = re.findall(r'"(?:data\.)?([a-z_]+)[."]', str(lists).replace("'", ""))
    assert set(names) - {"data"} == EXPANDED.keys()
    text = " ".join(HOW_TO.read_text("utf-8").split())
    rights = re.search(r"needs to write (.*?), and to read (.*?)\.", text)
    assert rights is not None
    written, read = (
        set(re.split(r", (?:and )?| and ", re.sub(r" \(.*?\)", "", part)))
        for part in rights.groups()
    )
    assert set(WRITTEN.values()) <= written
    assert set(READ.values()) | set(EXPANDED.values()) <= written | read
