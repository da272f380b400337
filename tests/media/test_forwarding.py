"""Publisher → media process → viewer, with real ICE, DTLS and SRTP."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

import pylibsrtp
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from flask_proview.links import LinkError, MediaLink

from .clients import CONFIGURATION, ClipTrack, Publisher, Viewer, ask, connected, make_clip, until
from .conftest import SESSION, MediaProcess

pytestmark = [pytest.mark.media, pytest.mark.system]

FORGED_ALERT = bytes.fromhex("15feff000000000000000000020228")


def in_order(received: list[bytes], sent: list[bytes]) -> bool:
    """Whether ``received`` is an unbroken part of ``sent``."""
    if received[0] not in sent:
        return False
    starts = [number for number, frame in enumerate(sent) if frame == received[0]]
    return any(sent[start : start + len(received)] == received for start in starts)


async def test_every_frame_arrives_byte_for_byte(link: MediaLink) -> None:
    publisher = await Publisher.start(link, SESSION, make_clip())
    viewer = await Viewer.start(link, SESSION, "one")
    try:
        await until(lambda: len(viewer.taps["camera"].frames) > 30 and len(viewer.taps["microphone"].frames) > 100)
        for name, tap in viewer.taps.items():
            assert in_order(list(tap.frames), publisher.tracks[name].sent), name
        assert not viewer.taps["camera"].frames[0][0] & 1, "the first frame is not a key frame"
        status = await ask(link, "status")
        assert status["sessions"][SESSION]["tracks"] == ["camera", "microphone"]
        assert (status["sessions"][SESSION]["viewers"], status["peers"]) == (1, 2)
    finally:
        await viewer.pc.close()
        await publisher.pc.close()


async def test_a_viewer_may_come_before_the_publisher(link: MediaLink) -> None:
    viewer = await Viewer.start(link, SESSION, "early", names=("camera", "screen"))
    publisher = await Publisher.start(link, SESSION, make_clip(), names=("camera", "screen"))
    try:
        await until(lambda: all(tap.frames for tap in viewer.taps.values()))
    finally:
        await viewer.pc.close()
        await publisher.pc.close()


async def test_viewers_go_on_when_the_publisher_is_replaced(link: MediaLink) -> None:
    first_clip, second_clip = make_clip(1), make_clip(2)
    first = await Publisher.start(link, SESSION, first_clip)
    viewer = await Viewer.start(link, SESSION, "one")
    camera = viewer.taps["camera"]
    await until(lambda: camera.frames and viewer.taps["microphone"].frames)
    second = await Publisher.start(link, SESSION, second_clip)
    try:
        await until(lambda: sum(frame in second_clip.video for frame in camera.frames) > 10)
        switch = next(number for number, frame in enumerate(camera.frames) if frame in second_clip.video)
        assert all(frame in second_clip.video for frame in camera.frames[switch:])
        assert not camera.frames[switch][0] & 1, "the new stream does not begin with a key frame"
        # The browser's jitter buffer must see one stream: time goes on, without a jump of minutes.
        steps = [b - a for a, b in zip(camera.timestamps, camera.timestamps[1:], strict=False)]
        assert min(steps) > 0
        assert max(steps) < 90_000 * 5
        await until(lambda: first.pc.connectionState == "closed")
        assert (await ask(link, "status"))["peers"] == 2
    finally:
        for pc in (viewer.pc, first.pc, second.pc):
            await pc.close()


async def test_lost_packets_are_repeated_on_both_legs(link: MediaLink) -> None:
    publisher = await Publisher.start(link, SESSION, make_clip(), names=("camera",))
    viewer = await Viewer.start(link, SESSION, "one", names=("camera",))
    camera = viewer.taps["camera"]
    try:
        await until(lambda: camera.frames)
        publisher.lose(0.1)
        start = len(camera.frames)
        await until(lambda: len(camera.frames) > start + 45, 20)
        assert in_order(list(camera.frames), publisher.tracks["camera"].sent)
    finally:
        await viewer.pc.close()
        await publisher.pc.close()


async def test_a_viewer_that_loses_packets_gets_them_again(link: MediaLink) -> None:
    publisher = await Publisher.start(link, SESSION, make_clip(), names=("camera",))
    viewer = await Viewer.start(link, SESSION, "one", names=("camera",))
    camera = viewer.taps["camera"]
    dtls = viewer.pc.getTransceivers()[0].receiver.transport
    lossy = LossyReceiver(dtls._rx_srtp)
    dtls._rx_srtp = lossy  # type: ignore[assignment]

    try:
        await until(lambda: camera.frames)
        lossy.share = 0.1
        start = len(camera.frames)
        await until(lambda: len(camera.frames) > start + 45, 20)
        assert lossy.lost
        assert in_order(list(camera.frames), publisher.tracks["camera"].sent)
    finally:
        await viewer.pc.close()
        await publisher.pc.close()


class LossyReceiver:
    """An SRTP session that loses packets before it looks at them: a repeat must not look like a replay."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._dice = random.Random(3)  # noqa: S311 - repeatable
        self.share = 0.0
        self.lost: set[bytes] = set()

    def unprotect(self, data: bytes) -> bytes:
        if data[2:4] not in self.lost and self._dice.random() < self.share:
            self.lost.add(data[2:4])
            raise pylibsrtp.Error("lost on purpose")
        return bytes(self._session.unprotect(data))

    def unprotect_rtcp(self, data: bytes) -> bytes:
        return bytes(self._session.unprotect_rtcp(data))


def media_address(sdp: str) -> tuple[str, int]:
    line = next(line for line in sdp.splitlines() if line.startswith("a=candidate:"))
    return line.split()[4], int(line.split()[5])


async def test_junk_and_forged_alerts_from_elsewhere_change_nothing(link: MediaLink) -> None:
    # The attack of the forged alert works best before the handshake: it starts with the answer, before the browser knows it.
    viewer = Viewer()
    viewer.pc.addTransceiver("video", direction="recvonly")
    await viewer.pc.setLocalDescription(await viewer.pc.createOffer())
    reply = await ask(
        link, "view", session=SESSION, viewer="v", sdp=viewer.pc.localDescription.sdp, tracks={"0": "camera"}
    )
    address = media_address(reply["sdp"])
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.1", 0))
    dice = random.Random(5)  # noqa: S311 - repeatable
    stun_with_lies = b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + b"\x00\x06\xff\xff" + bytes(4)
    hostile = [
        FORGED_ALERT,
        b"\x16" + b"A" * 1100,
        b"",
        b"\x00",
        stun_with_lies,
        b"\x80" + bytes(40),
        b"\x80\xc8" + bytes(60),
    ]
    try:
        for _ in range(300):
            stranger.sendto(hostile[dice.randrange(len(hostile))], address)
            stranger.sendto(dice.randbytes(dice.randrange(1, 1500)), address)
        await viewer.pc.setRemoteDescription(RTCSessionDescription(reply["sdp"], "answer"))
        await connected(viewer.pc)
        for data in hostile * 20:
            stranger.sendto(data, address)
        publisher = await Publisher.start(link, SESSION, make_clip(), names=("camera",))
        await until(lambda: viewer.pc.getTransceivers()[0].receiver.getSynchronizationSources())
        dropped = (await ask(link, "status"))["dropped"]
        assert dropped["source"] >= 300
        assert dropped["stun"] >= 10
        await publisher.pc.close()
    finally:
        stranger.close()
        await viewer.pc.close()


async def test_wrong_fingerprint_gets_no_connection(link: MediaLink, media: MediaProcess) -> None:
    viewer = Viewer()
    viewer.pc.addTransceiver("video", direction="recvonly")
    await viewer.pc.setLocalDescription(await viewer.pc.createOffer())
    lines = [
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) if line.startswith("a=fingerprint:sha-256") else line
        for line in viewer.pc.localDescription.sdp.splitlines()
        if not line.startswith(("a=fingerprint:sha-384", "a=fingerprint:sha-512"))
    ]
    reply = await ask(
        link, "view", session=SESSION, viewer="v", sdp="\r\n".join(lines) + "\r\n", tracks={"0": "camera"}
    )
    await viewer.pc.setRemoteDescription(RTCSessionDescription(reply["sdp"], "answer"))
    for _ in range(500):
        if (await ask(link, "status"))["peers"] == 0:
            break
        await asyncio.sleep(0.02)
    assert (await ask(link, "status"))["peers"] == 0
    await viewer.pc.close()


async def test_refused_offers_leave_nothing_behind(link: MediaLink) -> None:
    pc = RTCPeerConnection(CONFIGURATION)
    pc.addTransceiver(ClipTrack("video", make_clip().video, 0.1), direction="sendonly")
    pc.addTransceiver(ClipTrack("audio", make_clip().audio, 0.1), direction="sendonly")
    await pc.setLocalDescription(await pc.createOffer())
    sdp = pc.localDescription.sdp
    cases = [
        ({"0": "camera"}, sdp, "track_undeclared"),
        ({"0": "camera", "1": "microphone", "2": "screen"}, sdp, "track_missing"),
        ({"0": "microphone", "1": "camera"}, sdp, "track_kind"),
        ({"0": "camera", "1": "microphone"}, sdp.replace("VP8", "VP9").replace("H264", "AV1"), "sdp_codec"),
        ({"0": "camera", "1": "microphone"}, "m=video" * 10_000, "sdp_too_large"),
    ]
    try:
        for tracks, text, code in cases:
            with pytest.raises(LinkError) as refused:
                await ask(link, "publish", session=SESSION, sdp=text, tracks=tracks)
            assert refused.value.code == code
        status = await ask(link, "status")
        assert (status["peers"], status["sessions"]) == (0, {})
    finally:
        await pc.close()


async def test_leaving_and_unpublishing_close_the_peers(link: MediaLink) -> None:
    events: list[dict[str, object]] = []
    publisher = await Publisher.start(link, SESSION, make_clip(), names=("camera",))
    viewer = await Viewer.start(link, SESSION, "one", names=("camera",))
    await ask(link, "leave", viewer="one")
    await ask(link, "unpublish", session=SESSION)
    status = await ask(link, "status")
    assert (status["peers"], status["sessions"], events) == (0, {}, [])
    await until(lambda: publisher.pc.connectionState == viewer.pc.connectionState == "closed")
    # Unknown names are nothing to complain about: both sides may have given up at the same time.
    await ask(link, "leave", viewer="one")
    await ask(link, "unpublish", session=SESSION)
    await publisher.pc.close()
    await viewer.pc.close()


def test_the_clip_is_what_the_tests_say() -> None:
    clip = make_clip()
    assert len(clip.video) == 30
    assert not clip.video[0][0] & 1
    assert not set(clip.video) & set(make_clip(2).video)
