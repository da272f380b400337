"""Consent and check without a mouse, on a narrow screen, in words that a screen reader gets."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import TAG, is_running, pieces_reach
from .fake_service import FakeService

pytestmark = pytest.mark.browser


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.shadowRoot?.activeElement?.textContent ?? ''"))


def tab_to(page: Page, name: str) -> None:
    for _ in range(12):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_keyboard_alone_gets_through_consent_and_check(service: FakeService, page: Page) -> None:
    service.page("/exam", "<input id=answer>", tag=TAG)
    page.goto(service.url + "/exam")
    expect(page.get_by_role("dialog", name="This exam is proctored")).to_be_visible()
    assert focused(page) == "This exam is proctored"
    tab_to(page, "Agree and continue")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Check your camera and microphone")).to_be_visible()
    expect(page.get_by_text("We can hear you.")).to_be_visible()
    tab_to(page, "Start")
    page.keyboard.press("Space")
    is_running(page)
    pieces_reach(service, page, 1)


def test_focus_never_leaves_the_dialog_for_the_page(service: FakeService, page: Page) -> None:
    service.page("/exam", "<input id=answer><a href=/x>x</a>", tag=TAG)
    page.goto(service.url + "/exam")
    page.get_by_role("button", name="Agree and continue").wait_for()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id || document.activeElement.tagName") in ("proview_root", "BODY")


def test_microphone_level_is_a_meter_with_a_value(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    page.goto(service.url + "/exam")
    page.get_by_role("button", name="Agree and continue").click()
    meter = page.get_by_role("meter", name="Microphone level")
    expect(meter).not_to_have_attribute("aria-valuenow", "0")
    assert (
        page.locator("video").evaluate(
            "async (v) => { await new Promise((r) => v.requestVideoFrameCallback(r)); return v.videoWidth }"
        )
        > 0
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_step_fits_320_pixels_and_has_readable_contrast(
    service: FakeService, chromium: Browser, scheme: Literal["light", "dark"]
) -> None:
    with chromium.new_context(
        permissions=["camera", "microphone"], viewport={"width": 320, "height": 640}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        service.page("/exam", tag=TAG)
        page.goto(service.url + "/exam")
        for button in ("Agree and continue", "Start"):
            page.get_by_role("button", name=button, exact=True).wait_for()
            assert page.get_by_role("dialog").evaluate("(d) => d.scrollWidth <= d.clientWidth")
            for ratio, text in page.get_by_role("dialog").evaluate(CONTRAST):
                assert ratio >= 4.5, text
            page.get_by_role("button", name=button, exact=True).click()
        is_running(page)


CONTRAST = """(dialog) => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d');
  const parse = (css) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
  const light = (c) => { const [r, g, b] = [...c].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return parse('white'); };
  return [...dialog.querySelectorAll('h1, p, b, span, button, label, select')].filter((e) => e.textContent.trim()).map((e) => {
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), e.textContent.slice(0, 40)];
  });
}"""
