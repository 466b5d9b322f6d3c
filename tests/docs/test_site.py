"""The site builds without a warning, and reading it tells nobody."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b[^>]*?\bhref=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|(?:@import\s+|url\()["']?((?:https?:)?//[^"')\s]+)""",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site")
    mkdocs = [str(Path(sys.executable).with_name("mkdocs")), "build", "--strict"]
    done = subprocess.run(
        [*mkdocs, "--site-dir", str(built)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return built


def test_the_site_has_a_page_for_every_document(site: Path) -> None:
    documents = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    pages = {path.relative_to(site).with_suffix(".md") for path in site.rglob("*.html")}
    assert documents <= pages


def test_the_first_page_leads_to_every_other_but_single_decisions() -> None:
    documents = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    linked = re.findall(r"\]\(([^)#]+)\)", (ROOT / "docs/index.md").read_text("utf-8"))
    others = {name for name in documents if not name.startswith("decisions/0")} - {"index.md"}
    assert others - set(linked) == set()


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loaded = {
        f"{path.relative_to(site)}: {''.join(found)}"
        for path in site.rglob("*")
        if path.suffix in (".html", ".css")
        for found in LOADED.findall(path.read_text("utf-8"))
    }
    assert not loaded


def test_the_pattern_finds_what_a_page_would_load() -> None:
    page = '<script src="https://a/x.js"></script><link href="//b/y.css"><p style="background: url(http://c/z)">'
    assert len(LOADED.findall(page)) == 3
