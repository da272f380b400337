from __future__ import annotations

import pytest

from flask_proview.doctor.script_facts import MAX_SIGHTINGS, PATTERNS, sightings, without_comments


def codes(script: str) -> set[str]:
    return {sighting.code for sighting in sightings(script, "/page")}


POSITIVE = {
    "frame_busting": ["top.location = self.location", "window.top.location.href='/x'", "parent.location.replace('/')", "top.document.location=1", "open('/x', '_top')", "top\n.location\n= 1", "self.parent.location.assign(u)"],
    "frame_check": ["if (top != self) x()", "window.top !== window.self", "self != top", "top.location != self.location", "window.frameElement", "parent.frames.length > 0", "if (window != window.top)", "top.location.href != window.location.href"],
    "popup": ["window.open('/x')", "var w = open('calc.htm','w')", "showModalDialog('x')"],
    "own_websocket": ["new WebSocket(u)", "new window.WebSocket(u)", "io = socket.io"],
    "own_event_source": ["new EventSource('/s')"],
    "service_worker": ["navigator.serviceWorker.register('/sw.js')"],
    "own_media": ["navigator.mediaDevices.getUserMedia({})", "navigator.webkitGetUserMedia({})", "getDisplayMedia()", "new MediaRecorder(s)"],
    "before_unload": ["window.onbeforeunload = f", "addEventListener('beforeunload', f)"],
    "document_write": ["document.write('<p>')", "document . writeln('x')"],
    "document_domain": ["document.domain = 'example.edu'"],
    "own_snippet": ["tv('init', 'TOKEN', {})", 'tv( "init" )', "ProctorClient3.stop()", "Proview.init({})"],
}  # fmt: skip
NEGATIVE = {
    "frame_busting": ["location = top.location", "desktop.location = 1", "a.top.location = 1", "top.location == x", "// top.location = 1", "stop.location.replace('x')"],
    "frame_check": ["scrollTop != self.y", "a.top == b", "/* top != self */", "parentNode == x"],
    "popup": ["dialog.open('x')", "xhr.open('GET', u)", "$open('x')", "reopen('x')", "open()"],
    "own_websocket": ["// new WebSocket(u)", "websockets = 1", "window.WebSocket"],
    "own_event_source": ["EventSource"],
    "service_worker": ["navigator.serviceWorker.ready"],
    "own_media": ["forgetUserMediaList()"],
    "before_unload": ["beforeunloaded()"],
    "document_write": ["documents.write('x')", "out.document_write()"],
    "document_domain": ["if (document.domain == 'x') y()"],
    "own_snippet": ["htv('init')", "tv('stop')"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "script"), [(code, script) for code, scripts in POSITIVE.items() for script in scripts]
)
def test_is_seen(code: str, script: str) -> None:
    assert code in codes(script)


@pytest.mark.parametrize(
    ("code", "script"), [(code, script) for code, scripts in NEGATIVE.items() for script in scripts]
)
def test_is_not_seen(code: str, script: str) -> None:
    assert code not in codes(script)


def test_every_pattern_has_examples_of_both_kinds() -> None:
    assert set(POSITIVE) == set(NEGATIVE) == set(PATTERNS)


def test_sightings_name_line_and_words() -> None:
    found = list(sightings("a();\n// top.location=1\nif (x) {\n  top.location = '/';\n}", "/page", first_line=10))
    assert [(s.code, s.line, s.excerpt) for s in found] == [("frame_busting", 13, "top.location = '/';")]


def test_one_line_of_a_megabyte_gives_a_short_excerpt() -> None:
    found = list(sightings("x;" * 200_000 + "top.location=1;" + "y;" * 200_000, "/page"))
    assert len(found[0].excerpt) <= 90
    assert "top.location=1" in found[0].excerpt


def test_at_most_five_of_a_kind() -> None:
    assert len(list(sightings("document.write(1);" * 100, "/page"))) == MAX_SIGHTINGS


def test_addresses_in_strings_are_no_comments() -> None:
    assert without_comments("x = 'http://a'; // b\ny") == "x = 'http://a';     \ny"


@pytest.mark.parametrize(
    "piece",
    ["/*", "'", "`", "top ", "top.", "open(", "open('_top'", "/", "\\", "'\\", "window.", "self .", "document . "],
)
def test_hostile_scripts_cost_no_more_than_their_length(piece: str) -> None:
    """A pattern that tries every length at every place would take hours: the suite's time limit is the assertion."""
    assert len(list(sightings(piece * 100_000, "/page"))) <= MAX_SIGHTINGS * len(PATTERNS)
