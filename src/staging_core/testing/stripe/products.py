"""Products, and the features of entitlements that they carry."""

from __future__ import annotations

from .account import Account
from .call import Call, merged
from .refusal import Refused, missing
from .store import Object, page, within

_FIELDS = ("active", "description", "images", "name", "statement_descriptor", "tax_code",
           "unit_label", "url")  # fmt: skip


class Products:
    """What is sold; what it costs is in its prices."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def create(self, call: Call) -> Object:
        """A product; its ``id`` may be given."""
        id = call.params.get("id")
        if id and self._account.store.known("product", id):
            raise Refused("Product already exists.", code="resource_already_exists", param="id")
        now = self._account.now()
        usual = {"active": True, "images": [], "marketing_features": []}
        product = self._account.make(
            "product",
            "prod",
            id=id,
            **{**usual, **call.given(*_FIELDS, "marketing_features")},
            metadata=merged({}, call.params.get("metadata")),
            type="service",
            updated=now,
        )
        product["default_price"] = None
        self._account.tell("product.created", product)
        return product

    def update(self, call: Call) -> Object:
        """Changes what is given."""
        product = self._account.find("product", call.id)
        if default := call.params.get("default_price"):
            price = self._account.named("price", default, "default_price")
            if price["product"] != product["id"]:
                raise Refused("The price is not one of this product.", param="default_price")
        with self._account.changing(product, "product.updated"):
            product.update(call.given(*_FIELDS, "default_price", "marketing_features"))
            product["metadata"] = merged(product["metadata"], call.params.get("metadata"))
            product["updated"] = self._account.now()
        return product

    def pages(self, call: Call) -> Object:
        """The newest first."""
        asked = call.params
        found = [
            product
            for product in self._account.store.all("product")
            if product["active"] == asked.get("active", product["active"])
            and product["id"] in asked.get("ids", [product["id"]])
            and within(product["created"], asked.get("created", {}))
        ]
        return page(found[::-1], asked, call.path, "product", lambda one: one)

    def delete(self, call: Call) -> Object:
        """Only without prices."""
        product = self._account.find("product", call.id)
        if self._account.store.all("price", product=product["id"]):
            raise Refused(
                "This product cannot be deleted because it has one or more user-created prices."
            )
        self._account.store.remove(product)
        self._account.tell("product.deleted", product)
        return {"id": product["id"], "object": "product", "deleted": True}

    # --- features -------------------------------------------------------------------------------

    def add_feature(self, call: Call) -> Object:
        """Who subscribes to the product is entitled to the feature."""
        product = self._account.find("product", call.id)
        feature = self._account.named(
            "entitlements.feature", call.params["entitlement_feature"], "entitlement_feature"
        )
        carried = product.setdefault("_features", [])
        if any(one["entitlement_feature"]["id"] == feature["id"] for one in carried):
            raise Refused("The feature is already attached to this product.")
        made = self._account.make(
            "product_feature", "prodft", entitlement_feature=feature, _product=product["id"]
        )
        del made["created"]
        carried.append(made)
        return made

    def features(self, call: Call) -> Object:
        """The features of a product."""
        found = self._account.find("product", call.id).get("_features", [])
        return page(found[::-1], call.params, call.path, "product_feature", lambda one: one)

    def remove_feature(self, call: Call) -> Object:
        """Nobody gets the feature by this product any more."""
        carried = self._account.find("product", call.parts["product"]).get("_features", [])
        for one in carried:
            if one["id"] == call.id:
                carried.remove(one)
                return {"id": one["id"], "object": "product_feature", "deleted": True}
        raise missing("product_feature", call.id)
