"""The faults of the network, one function each; numbers are those of docs/faults.md."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from playwright.sync_api import expect

from tests.e2e.browser import picture_changes

from .scene import Scene
from .udp_relay import UdpRelay

FREED_S, RESUMED_S, FALLEN_S, FROZEN_SHARE = 30.0, 1.0, 10.0, 0.01
# Long enough that a freeze of a quarter of a second is not too many.
WATCHED_S = 60.0
QUICK = "flip-and-cut"
UPLOADED = "video[data-uploaded=camera]"
# What is really shown, whatever connections come and go behind it.
SHOWN = """() => { const video = document.querySelector('video[aria-label="Live camera"]');
    window.shown = [performance.now()];
    const look = () => { window.shown.push(performance.now()); video.requestVideoFrameCallback(look); };
    video.requestVideoFrameCallback(look); }"""
# A camera of 15 pictures a second; webrtc-stats calls what is longer than usual by 150 ms a freeze (freezeCount).
FROZEN = """() => { const times = [...window.shown, performance.now()];
    const freezes = times.slice(1).map((at, i) => at - times[i]).filter((gap) => gap > 220);
    return { pictures: times.length - 2, share: freezes.reduce((sum, gap) => sum + gap, 0) / (times.at(-1) - times[0]) }; }"""


@dataclass(frozen=True)
class Fault:
    """``before`` comes before the browser; ``told``: whether the page has to be told of a loss (None: it may be)."""

    name: str
    what: str
    act: Callable[[Scene], None]
    before: Callable[[Scene], None] | None = None
    told: bool | None = None
    limit_s: float = 420.0


def cut(seconds: float, scene: Scene) -> None:
    scene.strike()
    scene.line.lose(1)
    scene.pass_time(seconds)
    scene.mend()
    if not scene.outcome.dropped_packets:
        scene.outcome.faults.append("no packet was dropped")


def lose(share: float, scene: Scene) -> None:
    scene.line.lose(share)


def go_on(seconds: float, scene: Scene) -> None:
    """What was wrong from the beginning stays so to the end."""
    # By our clock: where the first answers take seconds the candidate's may be seconds ahead.
    scene.pass_time(seconds)
    scene.wait_recorded(1)
    scene.outcome.dropped_packets = scene.line.dropped()


def lose_from_now(share: float, scene: Scene) -> None:
    scene.strike()
    lose(share, scene)
    scene.pass_time(20)
    scene.mend()


def half_open(scene: Scene) -> None:
    """The peer vanishes for a minute: nothing is closed, whatever is sent is taken and lost."""
    ways = [way for way in scene.relay.ways if way.is_socket]
    scene.strike()
    began = time.monotonic()
    scene.relay.silent = True
    scene.pass_time(60)
    freed = [way.freed_at - began for way in ways if way.freed_at is not None]
    note = f"{len(freed)} of {len(ways)} sockets freed, the last after {max(freed, default=0):.1f} s"
    scene.outcome.notes.append(note)
    if not freed or len(freed) < len(ways) or max(freed) > FREED_S:
        scene.outcome.faults.append(note)
    scene.relay.hush()
    scene.relay.silent = False
    scene.mend()
    resumed(scene, began + 60)


def resumed(scene: Scene, since: float) -> None:
    """How long the service takes to welcome a socket whose predecessor is not known to be dead."""
    welcome = next((at for at in scene.welcomes if at > since), None)
    hello = max((at for at in scene.hellos if welcome and at <= welcome), default=None)
    if welcome is None or hello is None:
        scene.outcome.faults.append("no socket was welcomed")
    else:
        scene.outcome.notes.append(f"welcomed {(welcome - hello) * 1000:.0f} ms after hello")
        if welcome - hello > RESUMED_S:
            scene.outcome.faults.append("the old socket is in the way")


def half_open_sockets(scene: Scene) -> None:
    """The connections that are there fall silent; new ones work, as after a router forgot them."""
    scene.strike()
    began = time.monotonic()
    scene.relay.hush()
    scene.wait(lambda: any(at > began for at in scene.welcomes), 40, "another socket")
    scene.outcome.notes.append(f"another socket after {scene.welcomes[-1] - began:.1f} s")
    scene.mend()
    resumed(scene, began)


def flipped(scene: Scene) -> None:
    for number in (1, 2):
        scene.relay.flips_wanted = number
        scene.wait(lambda count=number: len(scene.mismatches) >= count, 40, f"refusal {number}")  # type: ignore[misc]
    scene.wait_recorded(2)
    scene.outcome.notes.append(
        f"{scene.relay.flipped} bits flipped, {len(scene.mismatches)} pieces refused and sent again"
    )


def flipped_then_cut(scene: Scene) -> None:
    flipped(scene)
    cut(10, scene)


def resets(scene: Scene) -> None:
    for _ in range(3):
        scene.strike()
        scene.relay.reset()
        scene.pass_time(3)
    scene.mend()


def late(scene: Scene) -> None:
    scene.relay.delay_s, scene.relay.jitter_s = 0.4, 0.6
    scene.wait_recorded(25)


def narrow(scene: Scene) -> None:
    scene.line.slow(200)
    scene.pass_time(30)
    scene.mend()


def address(scene: Scene) -> None:
    scene.strike()
    scene.line.move()
    scene.mend(keep=True)
    scene.wait_recorded(5)


def without_udp(scene: Scene) -> None:
    console = scene.proctor()
    opened = time.monotonic()
    expect(console.locator(".live-status")).to_contain_text("from the recording", timeout=30_000)
    fallen = time.monotonic() - opened
    console.wait_for_function("selector => document.querySelector(selector)?.videoWidth > 0", arg=UPLOADED)
    if not picture_changes(console, UPLOADED):
        scene.outcome.faults.append("the uploaded slices do not play")
    scene.outcome.notes.append(f"the proctor was told after {fallen:.1f} s and saw uploaded slices")
    if fallen > FALLEN_S:
        scene.outcome.faults.append("the proctor was told too late")
    scene.wait_recorded(5)
    scene.outcome.dropped_packets = scene.line.dropped()


def datagrams(switches: dict[str, float], most_frozen: float | None, scene: Scene) -> None:
    """The live view while datagrams suffer; the recording takes another way."""
    relays = scene.udp_relays()
    media = scene.running.child_pid("media")
    console = scene.proctor()
    expect(console.locator(".live-status")).to_have_text("Live", timeout=30_000)
    console.evaluate(SHOWN)
    for relay in relays:
        for name, value in switches.items():
            setattr(relay, name, value)
    scene.pass_time(WATCHED_S)
    live: dict[str, float] = console.evaluate(FROZEN)
    scene.outcome.notes.append(
        f"live: {live['pictures']:.0f} pictures in {WATCHED_S:.0f} s, {live['share']:.1%} of it frozen, {counted(relays)}"
    )
    if most_frozen is not None and (live["share"] > most_frozen or live["pictures"] < 5 * WATCHED_S):
        scene.outcome.faults.append(f"the live view was frozen for more than {most_frozen:.0%}")
    scene.wait_recorded(2)
    if scene.running.child_pid("media") != media:
        scene.outcome.faults.append("the media process died")


def counted(relays: list[UdpRelay]) -> str:
    total = {name: sum(getattr(relay, name) for relay in relays) for name in ("passed", "lost", "doubled", "moved")}
    return ", ".join(f"{count} {name}" for name, count in total.items() if count)


def by_relay(scene: Scene) -> None:
    scene.tcp_relay()


def no_udp(scene: Scene) -> None:
    scene.line.lose(1, "udp")


FAULTS = {
    fault.name: fault
    for fault in (
        # The part of it that is in `make test`.
        Fault(
            QUICK,
            "33, 22: a bit flipped in two pieces on the way; then all packets dropped for 10 s",
            flipped_then_cut,
            by_relay,
            told=True,
        ),
        *(
            Fault(
                f"tcp-{share:.0%}",
                f"26: {share:.0%} of the TCP packets lost, whole session",
                partial(go_on, 15),
                partial(lose, share),
            )
            for share in (0.05, 0.1, 0.2)
        ),
        # Pages of forty modules would not be there in time.
        Fault("tcp-30%", "26: 30% of the TCP packets lost, for 20 s", partial(lose_from_now, 0.3)),
        Fault("half-open", "30: the peer vanished for 60 s, nothing closed", half_open, by_relay, told=True),
        Fault("half-open-old", "30: old connections silent, new ones work", half_open_sockets, by_relay),
        Fault("reset", "every connection reset, three times", resets, by_relay),
        Fault("late", "0.4 to 1 s late in each direction", late, by_relay, told=False),
        Fault("narrow", "200 kbit/s for 30 s", narrow, told=False),
        Fault("address", "28: another address of the candidate", address),
        Fault("no-udp", "29: UDP blocked", without_udp, no_udp, told=False),
        *(
            Fault(
                f"udp-{share:.0%}",
                f"25: {share:.0%} of the datagrams lost",
                partial(datagrams, {"loss": share}, frozen),
                told=False,
            )
            for share, frozen in ((0.05, FROZEN_SHARE), (0.1, 5 * FROZEN_SHARE), (0.3, None))
        ),
        Fault(
            "udp-order",
            "27: datagrams reordered (5 %) and doubled (5 %)",
            partial(datagrams, {"reorder": 0.05, "duplicate": 0.05}, FROZEN_SHARE),
            told=False,
        ),
        Fault("cut-10min", "23: all packets dropped for 10 min", partial(cut, 600), told=True, limit_s=1200),
    )
}
