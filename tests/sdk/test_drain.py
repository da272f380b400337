"""What an earlier exam left is handed in while another one goes on, which needs the line more."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import TAG, assert_contiguous, eventually, pieces_reach, start, stop
from .fake_service import FakeService

pytestmark = pytest.mark.browser

# Each upload of what is left takes half a second, as on a narrow line; when each began and ended, in ms.
NARROW = """(() => {
    window.puts = [];
    const real = window.fetch;
    window.fetch = async (url, options) => {
        if (options?.method !== 'PUT' || !String(url).includes('%s')) return real(url, options);
        const one = { began: performance.now(), ended: 0 };
        puts.push(one);
        await new Promise((resolve) => setTimeout(resolve, 500));
        const answer = await real(url, options);
        one.ended = performance.now();
        return answer;
    };
})()"""


def test_half_of_the_line_is_left_to_the_exam_that_goes_on(service: FakeService, page: Page) -> None:
    service.page("/exam", tag=TAG)
    service.page("/other", tag=None)
    page.goto(service.url + "/exam")
    start(page)
    pieces_reach(service, page, 2)
    old = service.session
    with service.hold_pieces():
        page.wait_for_timeout(5200)  # the recorder makes pieces that stay unacknowledged
        page.goto(service.url + "/other")
    service.identity = ("exam-2", "student-1")
    page.add_init_script(NARROW % old.uuid)
    kept = len(old.pieces)
    page.goto(service.url + "/exam")
    start(page)
    current = service.session
    assert current is not old
    eventually(lambda: len(old.pieces) >= kept + 4, "what was left", page=page, within=30)
    uploads = page.evaluate("puts.filter((one) => one.ended)")
    assert len(uploads) >= 4
    for one, following in zip(uploads, uploads[1:], strict=False):
        assert following["began"] - one["ended"] >= 0.9 * (one["ended"] - one["began"]), uploads
    pieces_reach(service, page, 2)
    stop(page)
    assert_contiguous(service)
