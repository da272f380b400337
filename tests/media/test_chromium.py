"""Real Chromium on both ends: one page sends its fake camera and microphone, another shows them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.async_api import async_playwright

from flask_proview.links import MediaLink
from tests.chromium import AUTOPLAY, CHROMIUM, FAKE_DEVICES
from tests.chromium import FLAGS as COMMON_FLAGS

from .clients import until
from .conftest import SESSION, MediaProcess

pytestmark = [
    pytest.mark.media,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium on this machine"),
]
FLAGS = [*COMMON_FLAGS, FAKE_DEVICES, AUTOPLAY]
PUBLISH = """async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 15 }, audio: true });
    const pc = window.pc = new RTCPeerConnection({ iceServers: [] });
    const names = new Map();
    for (const track of stream.getTracks()) {
        const transceiver = pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
        names.set(transceiver, track.kind === 'video' ? 'camera' : 'microphone');
    }
    await pc.setLocalDescription();
    const tracks = Object.fromEntries(pc.getTransceivers().map((t) => [t.mid, names.get(t)]));
    const answer = await window.ask('publish', pc.localDescription.sdp, tracks);
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
}"""
VIEW = """async () => {
    const pc = window.pc = new RTCPeerConnection({ iceServers: [] });
    const video = window.video = document.createElement('video');
    video.muted = true;
    document.body.append(video);
    pc.ontrack = ({ streams }) => { if (video.srcObject !== streams[0]) { video.srcObject = streams[0]; video.play(); } };
    pc.addTransceiver('video', { direction: 'recvonly' });
    pc.addTransceiver('audio', { direction: 'recvonly' });
    await pc.setLocalDescription();
    const [camera, microphone] = pc.getTransceivers().map((t) => t.mid);
    const answer = await window.ask('view', pc.localDescription.sdp, { [camera]: 'camera', [microphone]: 'microphone' });
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
}"""
LOOK = """async () => {
    const kinds = {};
    for (const report of (await window.pc.getStats()).values()) {
        if (report.type === 'inbound-rtp') {
            const { packetsReceived: received, packetsLost: lost, framesDecoded: decoded = 0, estimatedPlayoutTimestamp: playout } = report;
            kinds[report.kind] = { received, lost, decoded, playout };
        }
    }
    const video = window.video;
    return { state: window.pc.connectionState, width: video.videoWidth, time: video.currentTime, tracks: video.srcObject?.getTracks().length, kinds };
}"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>live</title><body></body>")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def page_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_page_sees_and_hears_another(link: MediaLink, media: MediaProcess, page_url: str) -> None:
    def asker(viewer: str | None) -> Any:
        async def ask(op: str, sdp: str, tracks: dict[str, str]) -> str:
            fields: dict[str, object] = {"session": SESSION, "sdp": sdp, "tracks": tracks}
            if viewer:
                fields["viewer"] = viewer
            return str((await asyncio.to_thread(lambda: link.request(op, 10.0, **fields)))["sdp"])

        return ask

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            candidate = await (await browser.new_context(permissions=["camera", "microphone"])).new_page()
            # The proctor's page has no camera permission: its candidates are mDNS names, which nobody here resolves.
            proctor = await (await browser.new_context()).new_page()
            for page, viewer in ((candidate, None), (proctor, "proctor")):
                await page.goto(page_url)
                await page.expose_function("ask", asker(viewer))
            await proctor.evaluate(VIEW)
            await candidate.evaluate(PUBLISH)
            seen: dict[str, Any] = {}

            async def plays(after: float) -> bool:
                seen.update(await proctor.evaluate(LOOK))
                sound = seen["kinds"].get("audio", {"received": 0})
                return bool(seen["width"] and seen["time"] > after and sound["received"] > 20)

            async def in_step(within_s: float) -> bool:
                seen.update(await proctor.evaluate(LOOK))
                picture, sound = (seen["kinds"][kind].get("playout") for kind in ("video", "audio"))
                return bool(picture and sound and abs(picture - sound) < within_s * 1000)

            await _eventually(lambda: plays(1.0), seen)
            assert seen["tracks"] == 2, "camera and microphone are not in one stream"
            before = seen["time"]
            await _eventually(lambda: plays(before + 1.0), seen)
            assert seen["kinds"]["video"]["lost"] == 0
            # Sender reports arrive for both kinds and agree on the publisher's clock: that is what lip sync is made from.
            await _eventually(lambda: in_step(0.2), seen)
            # The candidate's page was reloaded: a new connection, other numbers; the proctor's picture goes on.
            decoded, before = seen["kinds"]["video"]["decoded"], seen["time"]
            await candidate.evaluate("() => window.pc.close()")
            await candidate.evaluate(PUBLISH)
            await _eventually(lambda: plays(before + 2.0), seen)
            assert seen["kinds"]["video"]["decoded"] > decoded + 15
            assert seen["state"] == "connected"
            await candidate.evaluate("() => window.pc.close()")
            await until(lambda: len(media.files("camera")) == 2)
        finally:
            await browser.close()
    await asyncio.to_thread(media.stop)
    for file in media.files("camera"):
        with av.open(str(file), "r", format="webm") as container:
            kinds = [stream.type for stream in container.streams]
            frames = sum(1 for _ in container.decode(video=0))
        assert kinds == ["video", "audio"]
        assert frames > 15


async def _eventually(condition: Any, seen: dict[str, Any], timeout_s: float = 25.0) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, seen
        await asyncio.sleep(0.05)
