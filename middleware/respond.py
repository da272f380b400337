"""The WSGI side of one changed response: ``start_response``, ``write()`` and the body, as lazy as the application's own.

A response that is judged untouched goes out as the very same iterable. For the others the head is held until the
insertion has something to send; from the placed tag on the application's pieces pass without a look. PEP 3333.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from .headers import Headers, content_type_with
from .insertion import Insertion
from .plan import InsertionPlan

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse

    from .page import PageRequest

Write = Callable[[bytes], Any]


@dataclass(slots=True)
class Change:
    """What becomes of a response: new headers, and how the body is changed (None: it stays).

    ``length`` is the application's Content-Length; the header itself is written when the growth is known.
    """

    headers: Headers
    plan: InsertionPlan | None = None
    length: int | None = None
    content_type: str = ""


class Handler(Protocol):
    """Who decides. Neither method raises."""

    def change(self, page: PageRequest, status: str, headers: Headers) -> Change | None:
        """From the head of the answer; None: untouched."""
        ...

    def page_fault(self, page: PageRequest, kind: str, error: Exception | str) -> None: ...


class PageResponse:
    """``start_response`` for the application, and afterwards the body for the server."""

    # As every response begins; set on the object when it changes.
    _head: tuple[str, Headers, OptExcInfo | None] | None = None
    _change: Change | None = None
    _insertion: Insertion | None = None
    # Set when the server has got the head.
    _write: Write | None = None
    # The rest of the body needs no look.
    _passes = False
    # Bytes that Content-Length promises and a fault of ours kept back.
    _owed = 0

    def __init__(self, start_response: StartResponse, page: PageRequest, handler: Handler) -> None:
        self._start_response = start_response
        self._page = page
        self._handler = handler

    def start_response(self, status: str, headers: Headers, exc_info: OptExcInfo | None = None, /) -> Write:
        if self._write is not None:
            # The server knows whether bytes have left already, and raises if so.
            return self._start(status, headers, exc_info)
        if self._head is not None and exc_info is None:
            raise AssertionError("start_response was called again without exc_info")
        change = self._handler.change(self._page, status, headers)
        self._insertion = None
        if change is None or change.plan is None:
            self._head, self._change, self._passes = None, None, True
            return self._start(status, headers if change is None else change.headers, exc_info)
        self._head = (status, headers, exc_info)
        self._change = change
        return self._write_page

    def body(self, iterable: Iterable[bytes]) -> Iterable[bytes]:
        """What the server gets for the application's ``iterable``."""
        if self._passes and self._change is None:
            return iterable
        close = getattr(iterable, "close", None)
        try:
            source = iter(iterable)
            sent = self._first(source)
        except BaseException:
            # The server will never see the iterable, so closing it falls to us.
            if close is not None:
                close()
            raise
        if sent is None:
            rest = self._end()
            return _Body(iter((rest,) if rest else ()), close)
        if not self._passes or self._owed:
            return _Body(chain((sent,), self._rest(source)), close)
        if close is None and type(iterable) is list and len(iterable) == 1:
            return [sent]
        return _Body(chain((sent,), source), close)

    def _first(self, source: Iterator[bytes]) -> bytes | None:
        """The first bytes to send, None at the end of the body."""
        for data in source:
            if self._passes:
                return data
            if data:
                sent = self._feed(data)
                if sent:
                    return sent
        return None

    def _rest(self, source: Iterator[bytes]) -> Iterator[bytes]:
        for data in source:
            sent = data if self._passes else self._feed(data)
            if sent:
                yield sent
        rest = self._end()
        if rest:
            yield rest

    def _write_page(self, data: bytes) -> None:
        sent = data if self._passes else self._feed(data)
        if sent and self._write is not None:
            self._write(sent)

    def _feed(self, data: bytes) -> bytes | None:
        change, insertion = self._change, self._insertion
        if change is None or change.plan is None:
            raise AssertionError("the application sent data before start_response")
        try:
            if insertion is None:
                sent = change.plan.at_once(data)
                if sent is None:
                    insertion = self._insertion = change.plan.begin()
            if insertion is not None:
                sent = insertion.feed(data)
        except Exception as error:
            return self._give_up(insertion, data, error)
        if insertion is not None:
            return self._proceed(insertion, sent)
        self._passes = True
        self._send_changed_head(change, change.plan.growth, None)
        return sent

    def _end(self) -> bytes | None:
        insertion = self._insertion
        if self._passes or self._change is None:
            return b" " * self._owed
        if insertion is None or (self._write is None and not insertion.held()):
            self._send_original_head()  # no body at all
            return b""
        try:
            sent = insertion.finish()
        except Exception as error:
            return self._give_up(insertion, b"", error)
        return self._proceed(insertion, sent)

    def _proceed(self, insertion: Insertion, sent: bytes | None) -> bytes | None:
        if self._write is None:
            if insertion.declined is not None:
                self._handler.page_fault(self._page, "declined", insertion.declined)
                self._send_original_head()
                return insertion.held()
            if sent is None:
                return None
            self._send_changed_head(self._change, insertion.growth, insertion.charset)
        self._passes = insertion.placed
        return sent

    def _give_up(self, insertion: Insertion | None, data: bytes, error: Exception) -> bytes:
        """A fault: the page goes out as it came, as far as that is still possible."""
        growth = None if insertion is None else insertion.growth
        if self._write is not None and growth is None:
            raise error  # half a compressed page was sent: only cutting it off is honest
        self._handler.page_fault(self._page, "insertion", error)
        held = data if insertion is None else insertion.held()
        if self._write is None:
            self._send_original_head()
        elif self._change is not None and self._change.length is not None:
            self._owed = growth or 0
        self._passes = True
        return held

    def _send_original_head(self) -> None:
        if self._head is not None:
            self._passes = True
            head, self._head = self._head, None
            self._start(*head)

    def _send_changed_head(self, change: Change | None, growth: int | None, charset: str | None) -> None:
        if self._head is None or change is None:
            raise AssertionError("no head is held")
        headers = change.headers
        content_type = change.content_type
        if charset is not None:
            content_type = content_type_with(content_type or "text/html", charset)
        if content_type:
            headers.append(("Content-Type", content_type))
        if change.length is not None and growth is not None:
            headers.append(("Content-Length", str(change.length + growth)))
        head, self._head = self._head, None
        self._start(head[0], headers, head[2])

    def _start(self, status: str, headers: Headers, exc_info: OptExcInfo | None) -> Write:
        if exc_info is None:
            self._write = self._start_response(status, headers)
        else:
            self._write = self._start_response(status, headers, exc_info)
        return self._write


class _Body:
    """An iterable that closes the application's own, exactly once."""

    __slots__ = ("_chunks", "_close")

    def __init__(self, chunks: Iterator[bytes], close: Callable[[], None] | None) -> None:
        self._chunks = chunks
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            close()
