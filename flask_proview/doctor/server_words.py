"""What a server can and cannot, in plain words: what candidates and proctors will notice, and what to start beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask_proview.config import Config

from .findings import Finding, Level

if TYPE_CHECKING:
    from .server import ServerFacts


def in_plain_words(config: Config, facts: ServerFacts) -> Iterator[Finding]:
    """The conclusions, from the facts of all probes."""
    server = facts.server or {}
    name = f" ({server['server']})" if server.get("server") else ""
    if server.get("websockets") and facts.websocket != "works":
        name = f" ({server.get('server')} can, but they do not come through)"
    held = server.get("poll_hold_s")
    if facts.websocket == "works":
        facts.signaling = "websocket"
        yield Finding(
            Level.OK, "works", f"WebSockets: yes{name}: pieces, events and commands go over one connection, at once"
        )
    else:
        facts.signaling = "http"
        soon = "at once (held polls)" if held else "within about 3 s" if held == 0 else "at once or within about 3 s"
        yield Finding(
            Level.OK,
            "works",
            f"WebSockets: no{name}: browsers use HTTP instead; the recording is the same, commands of proctors arrive {soon}",
        )
    yield from _live(config, facts)
    yield from _threads(config, server)


def _live(config: Config, facts: ServerFacts) -> Iterator[Finding]:
    if config.media.live == "off":
        yield Finding(Level.OK, "works", "live view: off in the configuration")
        return
    state = facts.ready.get("media") if facts.ready else None
    if state == "ok":
        yield Finding(Level.OK, "works", "live view: yes, the media process answers; browsers reach it by UDP or TURN")
    elif state is None:
        yield Finding(
            Level.OK,
            "works",
            "live view: whether the media process runs is told on the server only (proview check there)",
        )
    else:
        yield Finding(
            Level.WARNING,
            "works",
            f"live view: no, the media process does not answer at {config.media.link} ({state}); run `proview media` beside",
        )


def _threads(config: Config, server: dict[str, object]) -> Iterator[Finding]:
    if server.get("worker") == "single":
        yield Finding(
            Level.WARNING,
            "works",
            "one request at a time: a slow upload of one candidate stops all others; give the server threads or gevent",
        )
    if server.get("background_threads") is False:
        yield Finding(
            Level.ERROR, "works", "uWSGI stops our threads between requests: start it with enable-threads = true"
        )
    if server.get("multiprocess") and server.get("bus") == "memory":
        yield Finding(
            Level.WARNING,
            "works",
            "several processes without Redis: commands reach candidates of another process through the database, within"
            " seconds; bus.url = redis://… makes it at once",
        )
    if server and config.server.upstream is None:
        yield Finding(
            Level.OK,
            "works",
            "inside an application: run `proview worker` beside, which makes the recordings, and `proview media` for live view",
        )
