"""One generated page through the whole middleware, in pieces of any length, against html5lib: the same tree, and our script first in ``<head>``.

Shared by tests/middleware/test_place.py and ``python -m bench.placement``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from flask_proview.middleware import InjectMiddleware
from flask_proview.middleware.place import place

from . import soup
from .site import DOCUMENT, SIGNER, Recorder, config


class Oracle:
    """Keeps one middleware, as a server does, so that what it remembers of earlier pages is put to the test as well."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._is_sized = False
        settings = config()
        self._middleware = InjectMiddleware(self._application, settings, signer=SIGNER, observer=Recorder())
        self._environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": "/exam/7/take", "HTTP_HOST": "exam.example.com", "wsgi.url_scheme": "https",
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in DOCUMENT.items()},
        }  # fmt: skip
        self.tag = self._middleware._addresses.parts["r0"].tag("page", "")

    def check(self, rnd: random.Random) -> bool:
        """Whether nothing at all differs. False: only a comment or doctype that never ends has moved; nothing can stand behind
        one, so the tag stands before it.

        :raises AssertionError: with the page, when anything else differs.
        """
        page = soup.page(rnd)
        self._pieces = list(soup.chunked(rnd, page))
        self._is_sized = rnd.random() < 0.5
        changed, length = self._served()
        at = changed.find(self.tag)
        if not page:
            assert changed == b"", page
            return True
        assert at >= 0 and changed[:at] + changed[at + len(self.tag) :] == page, page
        assert at == place(page, final=True).offset, page
        assert length in (None, len(changed)), page
        original = soup.tree(page)
        rest, scripts = soup.without_mark(soup.tree(changed))
        assert scripts == [["#document", "html", "head", "first"]], page
        if rest == original:
            return True
        assert soup.without_comments(rest) == soup.without_comments(original), page
        assert not place(page).found, page
        return False

    def _application(self, environ: Any, start_response: Any) -> Iterator[bytes]:
        headers = [("Content-Type", "text/html; charset=utf-8")]
        if self._is_sized:
            headers.append(("Content-Length", str(sum(map(len, self._pieces)))))
        start_response("200 OK", headers)
        yield from self._pieces

    def _served(self) -> tuple[bytes, int | None]:
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            head[:] = headers
            return head.append  # nothing here writes

        body = b"".join(self._middleware(dict(self._environ), start_response))
        length = dict(head).get("Content-Length")
        return body, None if length is None else int(length)
