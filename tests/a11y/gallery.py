"""A page on which every step of the SDK can be shown in every language, and axe to look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.sdk.fake_service import FakeService

HERE = Path(__file__).resolve().parent
AXE = HERE.parents[1] / "node_modules" / "axe-core" / "axe.min.js"
# The standard, and what its authors call good practice; the exam page around us is the host's.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def open_gallery(service: FakeService, page: Page) -> None:
    html = f'<main><h1>Exam</h1><input id="answer" aria-label="Answer"></main><script type="module">{(HERE / "gallery.js").read_text("utf-8")}</script>'
    service.pages["/gallery"] = (f'<!doctype html><html lang="en"><head><title>Exam</title><meta name="viewport" content="width=device-width"></head><body>{html}</body></html>', {})  # fmt: skip
    page.goto(service.url + "/gallery")
    page.wait_for_function("() => window.show")


def show(page: Page, name: str, language: str = "en") -> None:
    page.evaluate("([name, language]) => show(name, language)", [name, language])


def violations(page: Page, within: str | None = None) -> list[str]:
    """What axe objects to, as one line each. It looks into open shadow roots by itself."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run `npm ci`")
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    result: dict[str, Any] = page.evaluate(
        "async ([within, rules]) => await axe.run(within ?? document, {runOnly: rules, resultTypes: ['violations']})",
        [within, RULES],
    )
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in result["violations"]
        for node in one["nodes"]
    ]
