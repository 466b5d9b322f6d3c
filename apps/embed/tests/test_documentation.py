"""The OpenAPI document is valid, complete and stable; its page loads nothing from elsewhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from staging_embed.examples import REQUESTS
from staging_embed.openapi import document
from staging_embed.reference import page
from staging_embed.routes import GROUPS
from staging_embed.routing import Route

from .house import house

ROUTES = [route for routes in GROUPS.values() for route in routes.all]
SHOWN = [route for route in ROUTES if route.in_document]
DOCUMENT = document(ROUTES, server="https://staging.example")
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.template][route.method.lower()]
    return found


def test_the_document_is_valid() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_schema_is_valid() -> None:
    for schema in SCHEMAS.values():
        OAS31Validator.check_schema(schema)


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body of JSON that a route of ours says the form of, asked or answered well."""
    for route in SHOWN:
        told = operation(route)
        places = {"asks": told.get("requestBody", {}), **told["responses"]}
        for place, body in places.items():
            content = body.get("content", {}).get("application/json")
            if content is not None and content.get("schema") and place[0] in "a2":
                yield f"{route.operation_id} {place}", content


BODIES = dict(bodies())


@pytest.mark.parametrize("body", BODIES)
def test_every_body_has_an_example_that_fits_its_schema(body: str) -> None:
    components = {"components": DOCUMENT["components"]}
    schema = {**components, **BODIES[body]["schema"]}
    assert list(OAS31Validator(schema).iter_errors(BODIES[body]["example"])) == []


def test_no_example_is_of_an_operation_that_is_none() -> None:
    asked = {body.removesuffix(" asks") for body in BODIES if body.endswith(" asks")}
    assert asked == REQUESTS.keys()


def test_every_route_stands_in_it_once_with_its_own_id() -> None:
    ids = [operation(route)["operationId"] for route in SHOWN]
    assert len(ids) == len(set(ids)) == sum(len(path) for path in DOCUMENT["paths"].values())


@pytest.mark.parametrize("route", SHOWN, ids=lambda route: route.operation_id)
def test_every_operation_is_told(route: Route) -> None:
    told = operation(route)
    assert told["summary"]
    assert not told["summary"].endswith(".")
    assert told["tags"] == [route.group]
    assert {"default", str(route.status)} <= told["responses"].keys()
    assert (told["security"] == []) == (route.access.who == "anyone")
    if route.access.who != "anyone":
        assert {"401", "403", "429"} <= told["responses"].keys()
    if route.parameters:
        assert "404" in told["responses"]


@pytest.mark.parametrize("route", SHOWN, ids=lambda route: route.operation_id)
def test_everything_that_may_be_asked_has_a_meaning(route: Route) -> None:
    asked = [each for each in operation(route).get("parameters", []) if each["in"] != "path"]
    assert [each["name"] for each in asked if not each.get("description")] == []


def test_what_is_said_of_types_is_text_and_not_code() -> None:
    """Markdown shows what stands four spaces to the right as code."""
    told = {name: each.get("description", "") for name, each in SCHEMAS.items()}
    assert [name for name, words in told.items() if "\n    " in words] == []


def test_the_example_of_an_image_has_no_disclosure_since_no_image_has() -> None:
    image = operation(next(route for route in SHOWN if route.operation_id == "get_image"))
    shown = image["responses"]["200"]["content"]["application/json"]["example"]
    assert shown["disclosure"] is None


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_whoever_may_call_without_signing_in_is_protected_otherwise(route: Route) -> None:
    assert route.access.why if route.access.who == "anyone" else not route.access.why


def test_every_group_of_the_document_is_described() -> None:
    assert all(tag["description"] for tag in DOCUMENT["tags"])


def test_document_and_page_are_served_only_where_they_are_asked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as (_, client):
            for path in ("/schema/openapi.json", "/docs", "/docs/start.js"):
                assert (await client.get(path)).status_code == 404

    asyncio.run(scenario())


def test_the_page_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path, app={"include": GROUPS.keys()}) as (_, client):
            told = (await client.get("/schema/openapi.json")).json()
            assert told["servers"] == [{"url": "http://localhost"}]
            assert told["paths"] == DOCUMENT["paths"]
            page = await client.get("/docs")
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
            assert len(loaded) == 4
            for address in loaded:
                if address != "data:,":
                    await is_served(client, address)
            policy = page.headers["content-security-policy"]
            assert "http" not in policy
            assert "'unsafe-eval'" not in policy
            assert (await client.get("/docs/nothing.js")).status_code == 404

    asyncio.run(scenario())


async def is_served(client: httpx.AsyncClient, address: str) -> None:
    assert not re.match(r"\w+:|/", address), "an address of elsewhere, or not under the mount"
    answer = await client.get(f"/{address}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(("text/css", "text/javascript"))


def test_the_reference_page_is_made_from_the_document() -> None:
    path = Path(__file__).resolve().parents[3] / "docs/reference/http-api.md"
    assert path.read_text("utf-8") == page(document(ROUTES)), (
        "run `python -m staging_embed.reference > docs/reference/http-api.md`"
    )
