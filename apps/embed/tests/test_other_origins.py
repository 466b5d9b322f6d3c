"""Pages of other origins read what the configuration lets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from staging_core import Settings
from staging_embed.access import anyone

from .asking import get
from .house import API, as_own

PAGE = "https://studio.example"


def test_only_pages_of_configured_origins_may_read_answers(tmp_path: Path) -> None:
    settings = {"cors_origins": (PAGE,)}
    for origin, allowed in ((PAGE, PAGE), ("https://evil.example", None)):
        headers = as_own(Origin=origin)
        answer = get(tmp_path, f"{API}/me", headers=headers, settings=settings)
        assert answer.headers.get("access-control-allow-origin") == allowed
    preflight = get(
        tmp_path,
        f"{API}/me",
        method="OPTIONS",
        settings=settings,
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == PAGE
    assert "GET" in preflight.headers["access-control-allow-methods"]
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize(("path", "status"), [("/me", 204), ("/events", 204), ("/nothing", 404)])
def test_a_page_that_is_not_let_in_is_told_nothing_of_other_origins(
    tmp_path: Path, path: str, status: int
) -> None:
    """As where no origin is configured; what is not there is a problem as always."""
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    answer = get(
        tmp_path,
        f"{API}{path}",
        method="OPTIONS",
        settings={"cors_origins": (PAGE,)},
        headers=asked,
    )
    assert answer.status_code == status, answer.text
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    if status == 404:
        assert answer.headers["content-type"] == "application/problem+json"


def test_without_configuration_no_other_page_reads_anything(tmp_path: Path) -> None:
    answer = get(tmp_path, f"{API}/me", headers=as_own(Origin=PAGE))
    assert "access-control-allow-origin" not in answer.headers


def test_settings_take_a_list_of_origins() -> None:
    settings = Settings.from_env({"STAGING_CORS_ORIGINS": "https://a.example,https://b.example"})
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert anyone("x").why == "x"
