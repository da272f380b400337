"""The link: framing against hostile bytes, and the client against a server that misbehaves, dies and comes back."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_proview.config import Config, load_config
from flask_proview.links import (
    MAX_MESSAGE_BYTES,
    LinkAddress,
    LinkError,
    MediaLink,
    MessageReader,
    decode,
    encode,
    hello_key,
)

SECRET = "a key that is long enough for tests"


def make_config(link: str) -> Config:
    return load_config({"secrets": {"keys": ["an older key, which is not used here", SECRET]}, "media": {"link": link}})


def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


def test_messages_survive_any_cut() -> None:
    messages: list[dict[str, Any]] = [{"id": 1, "op": "status"}, {"event": "published", "reason": "ü" * 300}, {}]
    data = b"".join(encode(message) for message in messages)
    for size in (1, 3, 7, len(data)):
        reader = MessageReader()
        out = [message for at in range(0, len(data), size) for message in reader.feed(data[at : at + size])]
        assert out == messages


def test_a_message_that_is_too_large_is_refused_on_both_ends() -> None:
    with pytest.raises(LinkError) as refused:
        encode({"sdp": "x" * MAX_MESSAGE_BYTES})
    assert refused.value.code == "message_too_large"
    with pytest.raises(LinkError) as refused:
        MessageReader().feed(struct.pack("!I", MAX_MESSAGE_BYTES + 1))
    assert refused.value.code == "message_too_large"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'"x"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000]
)
def test_what_is_not_a_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(LinkError) as refused:
        decode(body)
    assert refused.value.code == "bad_message"


def test_half_a_message_is_not_a_message() -> None:
    assert MessageReader().feed(encode({"op": "status"})[:-1]) == []


def test_addresses() -> None:
    assert LinkAddress.parse("unix:/run/x.sock") == LinkAddress(path="/run/x.sock")
    assert LinkAddress.parse("tcp:[::1]:7000") == LinkAddress(host="::1", port=7000)
    for wrong in ("unix:", "tcp:host", "tcp::1", "udp:h:1", "tcp:h:x"):
        with pytest.raises(ValueError, match="unix:PATH"):
            LinkAddress.parse(wrong)


def test_the_hello_key_is_of_the_newest_secret() -> None:
    assert hello_key(["old", "new"]) == hello_key(["new"]) != hello_key(["old"])
    assert len(hello_key(["x"])) == 64


Answer = Callable[[dict[str, Any]], bytes | None]


class FakeMedia:
    """A media process of which the test decides every byte."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self.path = path
        self.answer = answer
        self.seen: list[dict[str, Any]] = []
        self._connections: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._threads.append(threading.Thread(target=self._talk, args=(connection,)))
            self._threads[-1].start()

    def _talk(self, connection: socket.socket) -> None:
        reader = MessageReader()
        try:
            while data := connection.recv(65536):
                for message in reader.feed(data):
                    self.seen.append(message)
                    reply = self.answer(message)
                    if reply is not None:
                        connection.sendall(reply)
        except OSError:
            return

    def drop_connections(self) -> None:
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def send(self, data: bytes) -> None:
        self._connections[-1].sendall(data)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()
        for thread in self._threads:
            thread.join()
        for connection in self._connections:
            connection.close()
        self.path.unlink()


def polite(message: dict[str, Any]) -> bytes | None:
    """Answers everything but ``publish``."""
    if message["op"] == "publish":
        return None
    if message["op"] == "view":
        return encode({"id": message["id"], "ok": False, "code": "sdp_codec", "message": "camera must offer VP8."})
    return encode({"id": message["id"], "ok": True, "op": message["op"]})


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeMedia]:
    fake = FakeMedia(tmp_path / "m.sock", polite)
    yield fake
    fake.close()


@pytest.fixture
def events() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def link(fake: FakeMedia, events: list[dict[str, Any]]) -> Iterator[MediaLink]:
    link = MediaLink(make_config(f"unix:{fake.path}"), events.append)
    yield link
    link.close()


def refusal(link: MediaLink, op: str, timeout_s: float = 5.0) -> str:
    with pytest.raises(LinkError) as refused:
        link.request(op, timeout_s)
    return refused.value.code


def test_nothing_is_connected_before_the_first_request(link: MediaLink, fake: FakeMedia) -> None:
    assert not link.connected
    assert link.request("status") == {"op": "status"}
    assert [message["op"] for message in fake.seen] == ["hello", "status"]
    assert fake.seen[0]["key"] == hello_key([SECRET])


def test_a_refusal_carries_its_code_and_message(link: MediaLink) -> None:
    with pytest.raises(LinkError) as refused:
        link.request("view", session="x")
    assert (refused.value.code, refused.value.message) == ("sdp_codec", "camera must offer VP8.")
    assert refused.value.blames_request
    assert not LinkError("link_down").blames_request


def test_no_answer_in_time_is_an_error(link: MediaLink) -> None:
    link.request("status")
    assert refusal(link, "publish", 0.1) == "link_timeout"


def test_nobody_there_is_an_error_in_time(tmp_path: Path) -> None:
    link = MediaLink(make_config(f"unix:{tmp_path / 'nobody.sock'}"))
    assert refusal(link, "status", 0.2) == "link_down"
    link.close()
    link.close()
    assert refusal(link, "status") == "link_closed"


def test_many_threads_share_the_link(link: MediaLink) -> None:
    replies: list[object] = []
    threads = [
        threading.Thread(target=lambda n=n: replies.append(link.request(f"op{n}")["op"] == f"op{n}")) for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [True] * 20


def test_threads_that_start_the_link_at_once_start_it_once(fake: FakeMedia, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second to come must not find threads that are made and not yet started: they can only be started once."""
    link = MediaLink(make_config(f"unix:{fake.path}"), lambda message: None)
    first_is_starting, second_came = threading.Event(), threading.Event()
    start = threading.Thread.start

    def slowly(thread: threading.Thread) -> None:
        if thread.name == "media-link" and not first_is_starting.is_set():
            first_is_starting.set()
            second_came.wait(0.2)  # Waits in vain while the second one waits for us: that is the mend.
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slowly)
    faults: list[BaseException] = []

    def start_link(came: threading.Event) -> None:
        try:
            link.start()
        except RuntimeError as error:
            faults.append(error)
        came.set()

    first = threading.Thread(target=start_link, args=(threading.Event(),))
    second = threading.Thread(target=start_link, args=(second_came,))
    first.start()
    assert first_is_starting.wait(10)
    second.start()
    for thread in (first, second):
        thread.join()
    assert link.request("status") == {"op": "status"}
    link.close()
    assert faults == []
    assert [message["op"] for message in fake.seen] == ["hello", "status"], "one connection"


def test_a_broken_connection_fails_what_waits_and_comes_back(
    link: MediaLink, fake: FakeMedia, events: list[dict[str, Any]]
) -> None:
    link.request("status")
    codes: list[str] = []
    waiting = threading.Thread(target=lambda: codes.append(refusal(link, "publish", 10)))
    waiting.start()
    until(lambda: any(message["op"] == "publish" for message in fake.seen))
    fake.drop_connections()
    waiting.join()
    assert codes == ["link_lost"]
    # It reconnects by itself, so that events go on without a request.
    until(lambda: events.count({"event": "connected"}) == 2)
    assert link.request("status") == {"op": "status"}


@pytest.mark.parametrize(
    "junk", [struct.pack("!I", 1 << 31), encode({})[:4] + b"[]", struct.pack("!I", 3) + b"\xff\xfe\xfd"]
)
def test_a_server_that_breaks_the_framing_is_left(
    link: MediaLink, fake: FakeMedia, events: list[dict[str, Any]], junk: bytes
) -> None:
    link.request("status")
    fake.send(junk)
    until(lambda: events.count({"event": "connected"}) == 2)
    assert link.request("status") == {"op": "status"}


def test_unknown_replies_are_ignored(link: MediaLink, fake: FakeMedia) -> None:
    link.request("status")
    for number in (10**30, None, "x", [1], {"a": 1}, True, -5):
        fake.send(encode({"id": number, "ok": True}))
    assert link.request("status") == {"op": "status"}


def test_events_are_delivered_and_a_failing_handler_is_survived(fake: FakeMedia) -> None:
    seen: list[dict[str, Any]] = []

    def handler(message: dict[str, Any]) -> None:
        seen.append(message)
        raise RuntimeError("a fault in the handler")

    link = MediaLink(make_config(f"unix:{fake.path}"), handler)
    link.start()
    until(lambda: seen)
    fake.send(encode({"event": "published", "session": "s"}) + encode({"event": "viewer_gone", "viewer": "v"}))
    until(lambda: len(seen) == 3)
    assert [message["event"] for message in seen] == ["connected", "published", "viewer_gone"]
    link.close()


def test_a_slow_handler_drops_events_instead_of_growing(fake: FakeMedia) -> None:
    free = threading.Event()
    link = MediaLink(make_config(f"unix:{fake.path}"), lambda message: None if free.wait(10) else None)
    link.request("status")
    for _ in range(30):
        fake.send(encode({"event": "published"}) * 50)
    until(lambda: link.dropped_events > 300)
    assert link.request("status") == {"op": "status"}
    free.set()
    link.close()


def test_a_wrong_key_is_reported_and_not_taken_for_a_connection(tmp_path: Path) -> None:
    refuse = encode({"id": 0, "ok": False, "code": "wrong_key", "message": "another key"})
    fake = FakeMedia(tmp_path / "m.sock", lambda message: refuse)
    link = MediaLink(make_config(f"unix:{fake.path}"))
    assert refusal(link, "status", 0.3) == "link_down"
    link.close()
    fake.close()


GEVENT_CLIENT = """
from gevent import monkey
monkey.patch_all()
import gevent, json, sys
from flask_proview.config import load_config
from flask_proview.links import MediaLink
link = MediaLink(load_config(json.loads(sys.argv[1])), lambda message: None)
jobs = [gevent.spawn(link.request, f"op{n}") for n in range(50)]
gevent.joinall(jobs, timeout=10, raise_error=True)
print(sum(job.value["op"] == f"op{n}" for n, job in enumerate(jobs)))
link.close()
"""


def test_the_client_works_under_gevent(fake: FakeMedia) -> None:
    config = json.dumps({"secrets": {"keys": [SECRET]}, "media": {"link": f"unix:{fake.path}"}})
    done = subprocess.run([sys.executable, "-c", GEVENT_CLIENT, config], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "50", done.stderr


def test_the_module_needs_neither_gevent_nor_asyncio() -> None:
    code = "import flask_proview.links, sys; print([m for m in ('gevent', 'asyncio', 'aiortc') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"


FORKED_CLIENT = """
import json, os, sys
from flask_proview.config import load_config
from flask_proview.links import MediaLink
link = MediaLink(load_config(json.loads(sys.argv[1])))
link.request("before")
child = os.fork()
if child == 0:
    answer = link.request("child")["op"]
    link.close()
    os._exit(0 if answer == "child" else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(status, link.request("parent")["op"])
link.close()
"""


def test_a_forked_process_connects_for_itself_and_leaves_the_parents_connection_alone(fake: FakeMedia) -> None:
    config = json.dumps({"secrets": {"keys": [SECRET]}, "media": {"link": f"unix:{fake.path}"}})
    done = subprocess.run([sys.executable, "-c", FORKED_CLIENT, config], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "0 parent", done.stderr
    assert [message["op"] for message in fake.seen] == ["hello", "before", "hello", "child", "parent"]
