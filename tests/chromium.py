"""The browser of the tests and the flags it needs here (as root, without a screen, closed network, media on loopback)."""

from __future__ import annotations

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
]
# Keys are pressed, and pages play, before anybody has clicked.
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"
FAKE_DEVICES = "--use-fake-device-for-media-stream"
# The browser's own questions (camera, screen) are answered with yes.
FAKE_CONSENT = "--use-fake-ui-for-media-stream"
