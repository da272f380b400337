"""Every card that candidates meet, looked at by axe, in light and dark, and at the width of 400 % zoom."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, ViewportSize

from flask_proview.languages import LANGUAGES

from .gallery import show, violations

pytestmark = pytest.mark.browser

NARROW: ViewportSize = {"width": 320, "height": 640}
WIDE: ViewportSize = {"width": 1280, "height": 800}
ALL = "[...document.querySelectorAll('*')].flatMap((one) => one.shadowRoot ? [one, ...one.shadowRoot.querySelectorAll('*')] : [one])"

SIDEWAYS = f"""() => {ALL}.filter((one) => {{
  const box = one.getBoundingClientRect(), scrolls = ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
  return box.width > 0 && (box.left < -1 || box.right > 321) || scrolls && one.scrollWidth > one.clientWidth + 1;
}}).map((one) => one.outerHTML.slice(0, 120))"""


def names(page: Page) -> list[str]:
    found: list[str] = page.evaluate("() => names")
    assert {
        "consent",
        "check",
        "photoId",
        "takenFace",
        "admission",
        "rejected",
        "screen",
        "device_refused",
        "running",
    } <= set(found)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_nothing_on_any_card(gallery: Page, scheme: str, language: str) -> None:
    gallery.set_viewport_size(WIDE)
    gallery.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    found = {}
    for name in names(gallery):
        show(gallery, name, language)
        if wrong := violations(gallery):
            found[name] = wrong
    assert found == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_card_scrolls_sideways_at_320_pixels(gallery: Page, language: str) -> None:
    gallery.set_viewport_size(NARROW)
    found = []
    for name in names(gallery):
        show(gallery, name, language)
        # What sticks out of the page to the left is cut off in left-to-right writing, so edges are looked at, too.
        found += [f"{name}: {one}" for one in gallery.evaluate(SIDEWAYS)]
    assert found == []


def test_axe_does_look_into_the_cards(gallery: Page) -> None:
    show(gallery, "consent")
    gallery.evaluate(
        """() => { const root = [...document.querySelectorAll('*')].find((one) => one.shadowRoot).shadowRoot;
        const button = root.querySelector('button').cloneNode(); button.id = 'nameless'; root.append(button); }"""
    )
    try:
        assert any("button-name" in one for one in violations(gallery))
    finally:
        gallery.evaluate(
            "() => [...document.querySelectorAll('*')].find((one) => one.shadowRoot).shadowRoot.getElementById('nameless').remove()"
        )


def test_cards_say_their_language_and_direction(gallery: Page) -> None:
    show(gallery, "consent", "ar")
    assert gallery.evaluate(f"() => {ALL}.some((one) => one.lang === 'ar' && one.dir === 'rtl')")
    show(gallery, "consent", "de")
    assert gallery.evaluate(f"() => {ALL}.some((one) => one.lang === 'de' && one.dir === 'ltr')")


MOVING = f"() => {ALL}.filter((one) => one.shadowRoot).flatMap((one) => one.shadowRoot.getAnimations()).length"


def test_nothing_moves_for_those_who_asked_for_it(gallery: Page) -> None:
    gallery.emulate_media(reduced_motion="no-preference")
    show(gallery, "preparing")
    assert gallery.evaluate(MOVING) == 1, "the ring turns for everybody else"
    gallery.emulate_media(reduced_motion="reduce")
    moving = []
    for name in names(gallery):
        show(gallery, name)
        moving += [name] * int(gallery.evaluate(MOVING))
    assert moving == []
