"""Limits, and peers that vanish or misbehave after they were let in. The hub runs in this process."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import aioice.ice
import aioice.stun
import pytest

from flask_proview.config import load_config
from flask_proview.links import LinkError, MediaLink
from flask_proview.media import hub as hub_module
from flask_proview.media.hub import Hub
from flask_proview.media.incoming import RING_PACKETS
from flask_proview.media.publisher import MAX_STRANGERS

from .clients import Publisher, Viewer, ask, make_clip, until, use_loopback
from .conftest import SESSION

pytestmark = pytest.mark.media


class HubLink:
    """The hub behind the link's interface, without the link."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._loop = asyncio.get_running_loop()

    def request(self, op: str, timeout_s: float = 10.0, **fields: object) -> dict[str, Any]:
        work = getattr(self._hub, op)(fields)
        return dict(asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s))


@asynccontextmanager
async def running_hub(directory: Path) -> AsyncIterator[tuple[Hub, MediaLink, list[dict[str, Any]]]]:
    events: list[dict[str, Any]] = []
    config = load_config(
        {
            "secrets": {"keys": ["key for tests " * 4]},
            "storage": {"recordings": str(directory), "min_free_mb": 1},
            "media": {"host_addresses": ["127.0.0.1"]},
        }
    )
    hub = Hub(config, events.append)
    timers = asyncio.create_task(hub.run())
    try:
        yield hub, cast(MediaLink, HubLink(hub)), events
    finally:
        await hub.close()
        await hub.close()
        timers.cancel()
        with suppress(asyncio.CancelledError):
            await timers


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    use_loopback(monkeypatch)


async def refusal(link: MediaLink, op: str, **fields: object) -> str:
    with pytest.raises(LinkError) as refused:
        await ask(link, op, **fields)
    return refused.value.code


async def test_a_browser_that_vanishes_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.02)
    async with running_hub(tmp_path) as (hub, link, events):
        publisher = await Publisher.start(link, SESSION, make_clip(), names=("camera",))
        await until(lambda: hub.status()["sessions"][SESSION]["tracks"] == ["camera"])
        # The process is gone: no alert, no STUN, the port closed.
        connection = publisher.pc.getTransceivers()[0].sender.transport.transport._connection
        for protocol in connection._protocols:
            protocol.transport.close()
        await until(lambda: hub.status()["peers"] == 0)
        assert events[-1] == {"event": "unpublished", "session": SESSION, "reason": "consent_expired"}
        assert hub.status()["sessions"] == {}
        await publisher.pc.close()


async def test_nothing_grows_without_bound_when_nobody_watches(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as (hub, link, _):
        publisher = await Publisher.start(link, SESSION, make_clip())
        sent = publisher.tracks["camera"].sent
        await until(lambda: len(sent) > 30)
        (server_side,) = [session.publisher for session in hub._sessions.values()]
        assert server_side is not None
        for track in server_side.tracks.values():
            assert track.received > 10
            assert len(track._ring) == RING_PACKETS
            assert not track._missing
        await publisher.pc.close()


async def test_strange_ssrcs_and_reports_are_cut_off(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as (hub, link, _):
        publisher = await Publisher.start(link, SESSION, make_clip(), names=("camera",))
        transport = publisher.pc.getTransceivers()[0].sender.transport
        for ssrc in range(1, 60):
            await transport._send_rtp(struct.pack("!BBHLL", 0x80, 96, 5, 5, ssrc) + b"hostile")
            await transport._send_rtp(struct.pack("!BBHLQLLL", 0x80, 200, 6, 1000 + ssrc, 0, 0, 0, 0))
        await until(lambda: hub.dropped["ssrc"] >= 100)
        (server_side,) = [session.publisher for session in hub._sessions.values()]
        assert server_side is not None
        assert len(server_side._strangers) == MAX_STRANGERS
        before = len(publisher.tracks["camera"].sent)
        viewer = await Viewer.start(link, SESSION, "one", names=("camera",))
        await until(lambda: viewer.taps["camera"].frames and len(publisher.tracks["camera"].sent) > before)
        await viewer.pc.close()
        await publisher.pc.close()


async def test_limits_are_refusals_with_a_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_hub(tmp_path) as (hub, link, _):
        viewer = await Viewer.start(link, SESSION, "one", names=("camera",))
        fields = {"session": SESSION, "viewer": "two", "sdp": viewer.sdp, "tracks": {"0": "camera"}}
        monkeypatch.setattr(hub_module, "MAX_VIEWERS_PER_SESSION", 1)
        assert await refusal(link, "view", **fields) == "viewer_limit"
        monkeypatch.setattr(hub_module, "MAX_PEERS", 1)
        assert await refusal(link, "view", **fields) == "peer_limit"
        monkeypatch.undo()
        use_loopback(monkeypatch)
        codes = [await refusal(link, "view", **{**fields, "viewer": "one", "sdp": "v=0"}) for _ in range(3)]
        assert codes == ["sdp_invalid"] * 3
        assert hub.status()["peers"] == 1
        # The same viewer again replaces itself; doing that in a loop is refused.
        seen = set()
        for _ in range(40):
            try:
                await ask(link, "view", **{**fields, "viewer": "one"})
            except LinkError as error:
                seen.add(error.code)
        assert seen == {"offer_rate"}
        await viewer.pc.close()


async def test_no_free_port_is_a_refusal_and_leaves_no_session(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as (hub, link, _):
        viewer = await Viewer.start(link, SESSION, "one", names=("camera",))
        object.__setattr__(hub._network, "addresses", ("203.0.113.9",))
        fields = {"viewer": "two", "sdp": viewer.sdp, "tracks": {"0": "camera"}}
        other = "99999999-2222-4333-8444-555555555555"
        assert await refusal(link, "view", session=other, **fields) == "media_address"
        assert list(hub.status()["sessions"]) == [SESSION]
        assert hub.status()["peers"] == 1
        await viewer.pc.close()


async def test_a_stopping_hub_takes_nobody(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as (hub, link, _):
        viewer = await Viewer.start(link, SESSION, "one", names=("camera",))
        await hub.close()
        fields = {"viewer": "two", "sdp": viewer.sdp, "tracks": {"0": "camera"}}
        assert await refusal(link, "view", session=SESSION, **fields) == "stopping"
        assert hub.status()["peers"] == 0
        await viewer.pc.close()
