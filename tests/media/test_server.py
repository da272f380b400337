"""The media process as a process: its link against hostile bytes, start, stop, kill, and its parent's death."""

from __future__ import annotations

import os
import signal
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_proview.config import load_config
from flask_proview.links import LinkError, MediaLink, MessageReader, encode, hello_key

from .conftest import SESSION, MediaProcess, answers, wait_for

pytestmark = [pytest.mark.media, pytest.mark.system]


def connect(media: MediaProcess) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(str(media.socket))
    return sock


def replies(sock: socket.socket, count: int) -> list[dict[str, Any]]:
    reader = MessageReader()
    messages: list[dict[str, Any]] = []
    while len(messages) < count:
        data = sock.recv(65536)
        if not data:
            break
        messages += reader.feed(data)
    return messages


@pytest.fixture
def ready(media: MediaProcess, link: MediaLink) -> MediaProcess:
    wait_for(lambda: answers(link))
    return media


def test_the_socket_is_ours_alone(ready: MediaProcess) -> None:
    assert stat.S_IMODE(ready.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(ready.socket.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (struct.pack("!I", (1 << 20) + 1), "message_too_large"),
        (b"\xff\xff\xff\xff", "message_too_large"),
        (b"GET / HTTP/1.1\r\n\r\n", "message_too_large"),
        (struct.pack("!I", 2) + b"[]", "bad_message"),
        (struct.pack("!I", 3) + b"\xff\xfe\xfd", "bad_message"),
        (struct.pack("!I", 100_000) + b"[" * 100_000, "bad_message"),
    ],
)
def test_broken_framing_closes_the_link_with_a_reason(
    ready: MediaProcess, link: MediaLink, data: bytes, code: str
) -> None:
    with connect(ready) as sock:
        sock.sendall(data)
        (reply,) = replies(sock, 2)
        assert (reply["ok"], reply["code"]) == (False, code)
    assert answers(link)


def test_half_a_message_and_gone_harms_nobody(ready: MediaProcess, link: MediaLink) -> None:
    for cut in (1, 3, 4, 9):
        with connect(ready) as sock:
            sock.sendall(encode({"id": 1, "op": "status"})[:cut])
    assert answers(link)


def test_bad_requests_are_answered_and_the_link_goes_on(ready: MediaProcess) -> None:
    good = {"session": SESSION, "sdp": "v=0", "tracks": {"0": "camera"}}
    requests: list[tuple[dict[str, Any], str]] = [
        ({"op": "explode"}, "unknown_op"),
        ({"op": ["status"]}, "unknown_op"),
        ({}, "unknown_op"),
        ({"op": "publish"}, "bad_request"),
        ({**good, "op": "publish", "session": "../../../../etc"}, "bad_request"),
        ({**good, "op": "publish", "session": SESSION + "\n"}, "bad_request"),
        ({**good, "op": "publish", "session": 5}, "bad_request"),
        ({**good, "op": "publish", "tracks": {"0": "camera", "1": "camera"}}, "bad_request"),
        ({**good, "op": "publish"}, "sdp_invalid"),
        ({**good, "op": "view"}, "bad_request"),
        ({**good, "op": "view", "viewer": "x" * 200}, "bad_request"),
        ({**good, "op": "view", "viewer": "x"}, "sdp_invalid"),
        ({"op": "leave", "viewer": None}, "bad_request"),
        ({"op": "hello", "key": "0" * 64}, "wrong_key"),
    ]
    with connect(ready) as sock:
        for number, (request, _) in enumerate(requests):
            sock.sendall(encode({**request, "id": number}))
        answers_seen = replies(sock, len(requests))
    wrong_key = answers_seen.pop()
    assert [(reply["id"], reply["ok"], reply["code"]) for reply in answers_seen] == [
        (number, False, code) for number, (_, code) in enumerate(requests[:-1])
    ]
    assert wrong_key["code"] == "wrong_key"


def test_the_link_comes_back_after_a_kill(ready: MediaProcess, link: MediaLink) -> None:
    first = link.request("status")["pid"]
    assert ready.process is not None
    ready.process.kill()
    ready.process.wait()
    with pytest.raises(LinkError):
        link.request("status", 0.3)
    assert ready.socket.exists(), "a kill leaves the socket file behind"
    ready.start()
    wait_for(lambda: answers(link))
    assert link.request("status")["pid"] != first


def test_a_second_process_refuses_to_take_over(ready: MediaProcess, link: MediaLink) -> None:
    command = [sys.executable, "-m", "flask_proview.media", "-c", str(ready.file)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert second.returncode == 2
    assert "another process answers" in second.stderr
    assert answers(link)


def test_a_file_in_the_way_is_not_removed(tmp_path: Path) -> None:
    media = MediaProcess(tmp_path)
    media.socket.parent.mkdir()
    media.socket.write_text("precious")
    command = [sys.executable, "-m", "flask_proview.media", "-c", str(media.file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, media.socket.read_text()) == (2, "precious")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(ready: MediaProcess, link: MediaLink, number: signal.Signals) -> None:
    assert ready.process is not None
    ready.process.send_signal(number)
    assert ready.process.wait(15) == 0
    assert not ready.socket.exists()


PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "flask_proview.media", "--die-with-parent", "-c", sys.argv[1]])
print(child.pid, flush=True)
sys.stdin.read()
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_dies_with_its_parent_when_asked(tmp_path: Path) -> None:
    media = MediaProcess(tmp_path)
    command = [sys.executable, "-c", PARENT, str(media.file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        link = MediaLink(media.config)
        try:
            wait_for(lambda: answers(link))
            parent.kill()
            parent.wait()
            wait_for(lambda: not is_running(pid))
        finally:
            link.close()
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)


class TcpMedia(MediaProcess):
    """The same over TCP, on a port that is free now."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.file.write_text(self.file.read_text().replace(f"unix:{self.socket}", f"tcp:127.0.0.1:{self.port}"))
        self.config = load_config(str(self.file))


@pytest.fixture
def tcp(tmp_path: Path) -> Iterator[TcpMedia]:
    media = TcpMedia(tmp_path)
    media.start()
    yield media
    media.stop()


def test_a_tcp_link_needs_the_key_first(tcp: TcpMedia) -> None:
    link = MediaLink(tcp.config)
    try:
        wait_for(lambda: answers(link))
        key = hello_key(tcp.config.secrets.keys)
        for first, code in (
            ({"op": "status"}, "hello_first"),
            ({"op": "hello"}, "wrong_key"),
            ({"op": "hello", "key": key[:-1] + "!"}, "wrong_key"),
        ):
            with socket.create_connection(("127.0.0.1", tcp.port), 10) as sock:
                sock.sendall(encode({**first, "id": 1}))
                (reply,) = replies(sock, 2)
                assert (reply["ok"], reply["code"]) == (False, code)
        with socket.create_connection(("127.0.0.1", tcp.port), 10) as sock:
            sock.sendall(encode({"op": "hello", "key": key, "id": 1}) + encode({"op": "status", "id": 2}))
            assert [reply["ok"] for reply in replies(sock, 2)] == [True, True]
    finally:
        link.close()
