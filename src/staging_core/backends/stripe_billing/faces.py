"""Who a customer is: what bills are addressed to, and taxes go by."""

from __future__ import annotations

import hashlib
import re

import msgspec

from staging_core.models import Face

from .line import Params
from .part import FACE, Part
from .seen import Customer

LINES = ("line1", "line2", "city", "state", "postal_code", "country")
_COUNTRY = re.compile("[A-Za-z]{2}")


class Faces(Part):
    """Tells them when they change; what was told last is known at Stripe, by its digest."""

    async def describe_customer(self, customer_id: str, face: Face) -> None:
        """All of it where we have told something before; else what Stripe does not know yet."""
        v1, said = self._v1.customers, _digest(face)
        customer = await self._line.ask(v1.retrieve_async(customer_id), Customer)
        told = customer.metadata.get(FACE)
        if customer.deleted or told == said:
            return
        params: Params = {"metadata": {FACE: said}}
        if face.email and (told or not customer.email):
            params["email"] = face.email
        if face.name and (told or not customer.name):
            params["name"] = face.name
        address = _address(face.address or {})
        if address is not None and (told or not customer.address):
            params["address"] = address
        await self._line.ask(v1.update_async(customer_id, params), Customer)


def _address(lines: dict[str, str]) -> dict[str, str] | None:
    """The lines that Stripe has names for; a country only by its two letters."""
    known = {name: lines.get(name, "").strip() for name in LINES}
    country = known["country"]
    known["country"] = country.upper() if _COUNTRY.fullmatch(country) else ""
    return {name: line for name, line in known.items() if line} or None


def _digest(face: Face) -> str:
    return hashlib.sha256(msgspec.json.encode(face, order="sorted")).hexdigest()[:32]
