"""Which requests ask for a page."""

from __future__ import annotations

import pytest

from flask_proview.middleware.destination import is_navigation, may_stop, page_likelihood
from flask_proview.middleware.insertion import Sniff


def environ(method: str = "GET", **headers: str) -> dict[str, str]:
    return {"REQUEST_METHOD": method, **{"HTTP_" + name.upper(): value for name, value in headers.items()}}


@pytest.mark.parametrize(
    ("request_environ", "expected"),
    [
        (environ(sec_fetch_dest="document"), Sniff.NONE),
        (environ("POST", sec_fetch_dest="document"), Sniff.NONE),
        (environ("DELETE", sec_fetch_dest="document"), None),
        (environ("TRACE"), None),
        *((environ(sec_fetch_dest=d), Sniff.MARKUP) for d in ("iframe", "frame", "embed", "object")),
        *(
            (environ(sec_fetch_dest=d), None)
            for d in ("empty", "image", "script", "style", "worker", "video", "", "nonsense", "Document")
        ),
        (environ(sec_fetch_dest="empty", sec_purpose="prefetch"), Sniff.DOCUMENT),
        (environ(sec_fetch_dest="empty", x_moz="prefetch"), Sniff.DOCUMENT),
        (environ(), Sniff.MARKUP),
        (environ(accept="text/html,*/*;q=0.8"), Sniff.MARKUP),
        (environ(accept="application/xhtml+xml"), Sniff.MARKUP),
        (environ(accept="*/*"), Sniff.DOCUMENT),
        (environ(accept="application/json"), None),
        (environ(accept="text/html", x_requested_with="xmlHttpRequest"), None),
        (environ(accept="text/html", x_requested_with="com.android.browser"), Sniff.MARKUP),
        (environ(upgrade="WebSocket"), None),
        (environ(upgrade_insecure_requests="1"), Sniff.MARKUP),
    ],
)
def test_likelihood(request_environ: dict[str, str], expected: Sniff | None) -> None:
    assert page_likelihood(request_environ) is expected


def test_navigation_is_a_top_level_get() -> None:
    assert is_navigation(environ(sec_fetch_dest="document", sec_fetch_mode="navigate"))
    assert not is_navigation(environ("POST", sec_fetch_dest="document", sec_fetch_mode="navigate"))
    assert not is_navigation(environ(sec_fetch_dest="iframe", sec_fetch_mode="navigate"))
    assert not is_navigation(environ())


@pytest.mark.parametrize(
    ("request_environ", "expected"),
    [
        (environ(), True),
        (environ("POST", sec_fetch_site="same-origin"), True),
        (environ(sec_fetch_site="cross-site", sec_fetch_dest="document"), True),
        (environ(sec_fetch_site="cross-site", sec_fetch_dest="iframe"), False),
        (environ("HEAD"), False),
        (environ(purpose="prefetch"), False),
    ],
)
def test_stop_is_not_reached_by_other_sites_or_ahead_of_time(request_environ: dict[str, str], expected: bool) -> None:
    assert may_stop(request_environ) is expected
