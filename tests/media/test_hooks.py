"""The pinned internals of aiortc, aioice and pylibsrtp, and the guard built on them."""

from __future__ import annotations

import importlib.metadata
import socket
from collections import Counter
from types import SimpleNamespace
from typing import Any

import aioice.ice
import pylibsrtp
import pytest
from aioice import Candidate
from aioice.stun import Class, Message, Method
from aiortc import RTCIceCandidate

from flask_proview.config import load_config
from flask_proview.links import LinkError
from flask_proview.media import hooks
from flask_proview.media.guard import MAX_PAIRS, MAX_QUEUED_DTLS, GuardedProtocol
from flask_proview.media.peer import Network, Peer

FRIEND = ("127.0.0.1", 4000)
STRANGER = ("127.0.0.1", 4001)


async def test_the_installed_libraries_are_the_ones_we_know() -> None:
    hooks.check_internals()


async def test_another_release_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.17.0" if name == "aiortc" else version(name))
    monkeypatch.delattr(aioice.ice.Connection, "get_component_candidates")
    with pytest.raises(RuntimeError, match=r"aiortc 1\.17\.0 .*get_component_candidates is missing"):
        hooks.check_internals()


class Guarded:
    """The guard on a connection with one checked pair."""

    def __init__(self) -> None:
        self.connection = aioice.ice.Connection(ice_controlling=False)
        self.media: list[bytes] = []
        self.dropped: Counter[str] = Counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.protocol = GuardedProtocol(self.connection, self.socket, self.media.append, self.dropped)
        self.protocol.local_candidate = Candidate("f", 1, "udp", 1, "127.0.0.1", 5000, "host")
        self.sent: list[bytes] = []
        self.protocol.transport = SimpleNamespace(sendto=lambda data, address: self.sent.append(data))  # type: ignore[assignment]

    def add_pair(self, address: tuple[str, int], state: str = "SUCCEEDED") -> None:
        candidate = Candidate("f", 1, "udp", 1, address[0], address[1], "host")
        candidate._network_host = address[0]
        pair = aioice.ice.CandidatePair(self.protocol, candidate)
        pair.state = aioice.ice.CandidatePair.State[state]
        self.connection._check_list.append(pair)

    def receive(self, data: bytes, address: tuple[str, int]) -> None:
        self.protocol.datagram_received(data, address)

    @property
    def queued(self) -> int:
        return self.connection._queue.qsize()


@pytest.fixture
def make_guarded() -> Any:
    made: list[Guarded] = []

    def make() -> Guarded:
        made.append(Guarded())
        return made[-1]

    yield make
    for guarded in made:
        guarded.socket.close()


async def test_only_the_checked_peer_reaches_dtls_and_media(make_guarded: Any) -> None:
    guarded = make_guarded()
    guarded.add_pair(FRIEND)
    guarded.add_pair(STRANGER, "IN_PROGRESS")
    for address in (FRIEND, STRANGER):
        guarded.receive(b"\x16\xfe\xff", address)
        guarded.receive(b"\x80\x60" + bytes(10), address)
    assert (guarded.queued, len(guarded.media), guarded.dropped["source"]) == (1, 1, 2)


async def test_the_queue_to_dtls_is_bounded(make_guarded: Any) -> None:
    guarded = make_guarded()
    guarded.add_pair(FRIEND)
    for _ in range(MAX_QUEUED_DTLS * 3):
        guarded.receive(b"\x16" + bytes(1000), FRIEND)
    assert (guarded.queued, guarded.dropped["dtls_queue"]) == (MAX_QUEUED_DTLS, MAX_QUEUED_DTLS * 2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x01\x01" + bytes(19),
        b"\x05" * 40,
        b"\x7f" * 40,
        b"\xc0" * 40,
        bytes(1501),
        b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + b"\x00\x20\x00\x04" + b"\x00\x09\x00\x00",
    ],
)
async def test_what_is_not_ours_is_only_counted(make_guarded: Any, data: bytes) -> None:
    guarded = make_guarded()
    guarded.add_pair(FRIEND)
    guarded.receive(data, FRIEND)
    assert (guarded.queued, guarded.media, sum(guarded.dropped.values())) == (0, [], 1)


def check(connection: aioice.ice.Connection, password: str, **attributes: object) -> bytes:
    message = Message(message_method=Method.BINDING, message_class=Class.REQUEST)
    message.attributes["USERNAME"] = f"{connection.local_username}:theirs"
    message.attributes.update(attributes)
    message.add_message_integrity(password.encode())
    return bytes(message)


async def test_checks_must_be_signed_and_complete(make_guarded: Any) -> None:
    guarded = make_guarded()
    connection = guarded.connection
    connection.remote_username, connection.remote_password = "theirs", "x" * 22
    connection._early_checks_done = True
    guarded.receive(check(connection, "a wrong password", PRIORITY=5), STRANGER)
    assert (connection._check_list, len(guarded.sent)) == ([], 1)
    # Signed, but without PRIORITY: aioice would raise into the event loop.
    guarded.receive(check(connection, connection.local_password), STRANGER)
    assert guarded.dropped["stun"] == 1


async def test_a_peer_cannot_add_pairs_without_end(make_guarded: Any) -> None:
    guarded = make_guarded()
    connection = guarded.connection
    for port in range(MAX_PAIRS):
        guarded.add_pair(("127.0.0.1", 10_000 + port), "FAILED")
    guarded.receive(check(connection, connection.local_password, PRIORITY=5), STRANGER)
    assert (len(connection._check_list), guarded.dropped["pairs"]) == (MAX_PAIRS, 1)


def network(**media: object) -> Network:
    return Network.from_config(
        load_config({"secrets": {"keys": ["key for tests " * 4]}, "media": {"host_addresses": ["127.0.0.1"], **media}})
    )


def test_sockets_come_from_the_configured_range_until_it_is_used_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        low = probe.getsockname()[1]
    limited = network(udp_ports=[low, low])
    (sock,) = limited.open_sockets()
    try:
        assert sock.getsockname() == ("127.0.0.1", low)
        with pytest.raises(LinkError) as refused:
            limited.open_sockets()
        assert refused.value.code == "media_ports"
    finally:
        sock.close()


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(LinkError, match=r"203\.0\.113\.9"):
        network(host_addresses=["203.0.113.9"]).open_sockets()


def test_browsers_are_told_the_public_address() -> None:
    behind_nat = network(public_ip="198.51.100.7")
    assert behind_nat.shown("10.0.0.5") == "198.51.100.7"
    assert behind_nat.shown("fd00::5") == "fd00::5"
    assert network().shown("10.0.0.5") == "10.0.0.5"


@pytest.mark.parametrize(
    ("address", "contacted"),
    [
        ("192.0.2.1", True),
        ("10.0.0.1", True),
        ("2001:db8::1", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - must be refused
        ("169.254.169.254", False),
        ("fe80::1", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("255.255.255.255", False),
        ("2130706433", False),
        ("name.local", False),
    ],
)
async def test_checks_are_not_sent_where_no_browser_is(address: str, contacted: bool) -> None:
    class Nobody:
        def on_connected(self) -> None: ...
        def on_rtp(self, data: bytes) -> None: ...
        def on_rtcp(self, data: bytes) -> None: ...
        def on_closed(self, reason: str) -> None: ...

    peer = Peer(network(host_addresses=["192.0.2.200"]), Nobody(), Counter())
    candidate = RTCIceCandidate(
        component=1, foundation="f", ip=address, port=9, priority=1, protocol="udp", type="host"
    )
    assert peer._may_contact(candidate) is contacted
    await peer.close("test")


async def test_srtp_refuses_what_is_too_long() -> None:
    policy = pylibsrtp.Policy(key=bytes(30), ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    sender = hooks.SrtpSender(pylibsrtp.Session(policy))
    header = b"\x80\x60\x00\x01" + bytes(8)
    assert sender.protect(header, bytes(1200)) is not None
    assert sender.protect(header, bytes(hooks.SRTP_BUFFER_BYTES)) is None
    receiver = hooks.SrtpReceiver(
        pylibsrtp.Session(pylibsrtp.Policy(key=bytes(30), ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND))
    )
    protected = bytes(sender.protect(header[:3] + b"\x02" + header[4:], b"payload") or b"")
    assert receiver.unprotect(protected[:-1] + b"?") == 0
    assert receiver.unprotect(protected) == len(header) + 7
    assert receiver.unprotect(protected) == 0, "a replay"
    assert receiver.unprotect(bytes(5000)) == 0
    assert receiver.unprotect_rtcp(b"\x80\xc8" + bytes(30)) == b""
