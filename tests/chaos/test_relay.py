"""The relays do what their switches say, and nothing else."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from .relay import TcpRelay
from .udp_relay import UdpRelay


def counted(relay: UdpRelay, what: str) -> None:
    """At once: what is held back is let go soon."""
    end = time.monotonic() + 10
    while not getattr(relay, what):
        assert time.monotonic() < end, what


SENT = bytes(range(256)) * 256


@pytest.fixture
def echo() -> Iterator[int]:
    """A TCP server that answers with what it got."""

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionResetError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def connected(relay: TcpRelay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), timeout=5)


def back(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        data = connection.recv(count - len(got))
        assert data, "closed"
        got += data
    return got


def test_bytes_pass_and_one_bit_of_an_upload_flips_when_asked(echo: int) -> None:
    with TcpRelay(echo) as relay, connected(relay) as line:
        line.sendall(SENT)
        assert back(line, len(SENT)) == SENT
        relay.flips_wanted = 1
        line.sendall(b"a small question")
        assert back(line, 16) == b"a small question"
        line.sendall(SENT)
        got = back(line, len(SENT))
        assert sum((a ^ b).bit_count() for a, b in zip(got, SENT, strict=True)) == relay.flipped == 1


def test_a_hushed_connection_stays_open_and_says_nothing_while_new_ones_work(echo: int) -> None:
    with TcpRelay(echo) as relay, connected(relay) as old:
        old.sendall(b"one")
        assert back(old, 3) == b"one"
        (way,) = relay.hush()
        old.sendall(b"two")
        old.settimeout(0.2)
        with pytest.raises(TimeoutError):
            old.recv(1)
        assert way.freed_at is None
        with connected(relay) as new:
            new.sendall(b"three")
            assert back(new, 5) == b"three"
        relay.reset()
        with pytest.raises(ConnectionResetError):
            old.recv(1)


def test_a_late_line_keeps_the_order_and_a_slow_one_takes_its_time(echo: int) -> None:
    with TcpRelay(echo) as relay, connected(relay) as line:
        relay.delay_s, relay.jitter_s, relay.rate = 0.005, 0.005, 2_000_000
        line.sendall(SENT)
        assert back(line, len(SENT)) == SENT
        assert min(relay._free_at) > 0


def test_datagrams_are_lost_doubled_moved_and_damaged_by_share() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        client.settimeout(5)
        with UdpRelay(server.getsockname()) as relay:
            to = ("127.0.0.1", relay.port)
            client.sendto(b"there", to)
            data, sender = server.recvfrom(100)
            server.sendto(b"back", sender)
            assert (data, client.recvfrom(100)) == (b"there", (b"back", to))
            relay.duplicate = 1
            client.sendto(b"twice", to)
            assert {server.recv(100), server.recv(100)} == {b"twice"}
            relay.duplicate, relay.reorder = 0, 1
            client.sendto(b"first", to)
            counted(relay, "moved")
            relay.reorder = 0
            client.sendto(b"second", to)
            assert [server.recv(100), server.recv(100)] == [b"second", b"first"]
            relay.flip = 1
            client.sendto(b"\0\0\0", to)
            assert sum(byte.bit_count() for byte in server.recv(100)) == 1
            relay.flip, relay.loss = 0, 1
            client.sendto(b"never", to)
            counted(relay, "lost")
            relay.loss = 0
            client.sendto(b"last", to)
            assert server.recv(100) == b"last"
