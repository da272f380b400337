"""The middleware mounted in six servers: what each promises, without a browser. Flows in Chromium: test_mounted_flows.py."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import re
import uuid as uuids
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

import pytest
import requests

from flask_proview.doctor.findings import Level
from flask_proview.doctor.server_report import check_server
from tests.e2e.installation import wait_until
from tests.webm_factory import record

from .harness import pieces, wait_finalised
from .mounted import SERVERS, Mounted, mounted, open_folder
from .mounted_site import DATA, FIRST, PAGE, REST
from .raw import request_head, wire
from .snippets import PAGES

pytestmark = pytest.mark.system
TAG = re.compile(rb'<script src="/proview/init.js" data-proview-route="exam"[^>]*></script>')
AS_A_PAGE = {"Sec-Fetch-Dest": "document", "Cookie": "uid=c1"}
MIME = "video/webm;codecs=vp8,opus"
recorded = cache(lambda: record(3))


@pytest.fixture(scope="module", params=list(SERVERS))
def running(request: pytest.FixtureRequest) -> Iterator[Mounted]:
    server = SERVERS[request.param]
    reason = server.why_not()
    if reason is not None:
        pytest.skip(f"{reason}: run `make system`")
    with open_folder() as folder, mounted(server, folder, route={"mode": "inline"}) as one:
        yield one
        assert "Traceback" not in one.log()


def test_the_documented_table_is_what_the_tests_ask_for() -> None:
    text = (PAGES / "wsgi-servers.md").read_text()
    rows = {
        row[0]: row[1:]
        for row in (
            [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")
        )
    }
    assert list(rows)[1:] == [server.heading for server in SERVERS.values()]
    for server in SERVERS.values():
        assert rows[server.heading] == [
            "yes" if server.websockets else "no",
            "WebSocket" if server.websockets else "HTTP",
            server.worker,
            "yes" if server.chunked else "no, 411",
            "yes" if server.continues else "no",
            "several" if server.multiprocess else "one",
            "yes",
        ]


def ask(running: Mounted, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer with its body exactly as sent."""
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, headers={**AS_A_PAGE, **headers})
        answer = connection.getresponse()
        return answer, answer.read()


def test_the_server_is_known_for_what_it_can(running: Mounted) -> None:
    facts = requests.get(f"{running.url}/proview/healthz", timeout=10).json()
    server = running.server
    assert (facts["worker"], facts["websockets"]) == (server.worker, server.websockets)
    assert facts["signaling"] == ("websocket" if server.websockets else "http")
    assert facts["multiprocess"] is server.multiprocess
    assert facts["background_threads"] is True
    assert facts["server"].lower().startswith(server.software)


def test_the_check_says_what_the_server_can(running: Mounted) -> None:
    report = check_server(running.config, running.url)
    server, facts = running.server, report.facts
    assert [finding for finding in report.findings if finding.level is Level.ERROR] == []
    assert (facts.websocket, facts.signaling) == (("works", "websocket") if server.websockets else ("refused", "http"))
    assert facts.chunked == ("whole" if server.chunked else "refused with 411")
    assert facts.continues is server.continues
    assert (facts.upload, facts.digest, facts.streaming, facts.keys_accepted) == ("whole", "same", "at once", True)
    assert facts.seen is not None and facts.seen["origin"] == running.url
    said = "\n".join(finding.message for finding in report.findings)
    assert f"WebSockets: {'yes' if server.websockets else 'no'} ({facts.server and facts.server['server']})" in said
    assert ("one request at a time" in said) is (server.worker == "single")
    assert "live view: yes" in said
    assert "run `proview worker` beside" in said


def test_a_page_is_changed_by_the_tag_alone(running: Mounted) -> None:
    for path in ("/exam/host/page", "/exam/host/paged_file"):
        answer, body = ask(running, path)
        assert answer.getheader("X-Proview-Injected") == "exam", path
        assert len(TAG.findall(body)) == 1
        assert TAG.sub(b"", body) == PAGE
        assert answer.getheader("Content-Length") in (None, str(len(body)))


def test_head_tells_of_the_page_and_sends_none(running: Mounted) -> None:
    page, body = ask(running, "/exam/host/page")
    head, nothing = ask(running, "/exam/host/page", "HEAD")
    assert (head.status, nothing) == (200, b"")
    assert head.getheader("Content-Type") == page.getheader("Content-Type")
    assert head.getheader("Content-Length") in (None, str(len(body))), "never the length without the tag"


def test_files_and_parts_pass_as_they_are(running: Mounted) -> None:
    answer, body = ask(running, "/exam/host/data")
    assert body == DATA
    assert answer.getheader("X-Proview-Injected") is None
    part = {"Range": "bytes=10-29"}
    answer, body = ask(running, "/exam/host/part", **part, **{"Sec-Fetch-Dest": "empty"})
    assert (answer.status, body) == (206, PAGE[10:30])
    assert answer.getheader("Content-Range") == f"bytes 10-29/{len(PAGE)}"
    answer, body = ask(running, "/exam/host/part", **part)
    assert (answer.status, TAG.sub(b"", body)) == (200, PAGE), "a page is only shown whole"


@pytest.mark.parametrize(
    ("path", "first", "rest"), [("paused", FIRST, REST), ("events", b"data: 1\n\n", b"data: 2\n\n")]
)
def test_first_bytes_come_while_the_application_still_works(
    running: Mounted, path: str, first: bytes, rest: bytes
) -> None:
    """The application goes on only after its first bytes were read: held back, they would never come."""
    name = uuids.uuid4().hex
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=15)
    with contextlib.closing(connection):
        connection.request("GET", f"/exam/host/{path}?name={name}", headers=AS_A_PAGE)
        answer = connection.getresponse()
        body = b""
        while TAG.sub(b"", body) != first:
            more = answer.read1(1000)
            assert more, body
            body += more
        (running.state / f"named-{name}").write_text("go on")
        assert TAG.sub(b"", body + answer.read()) == first + rest


def test_a_client_that_goes_away_closes_the_answer(running: Mounted) -> None:
    name = uuids.uuid4().hex
    with wire(running.url) as line:
        line.send(request_head(running.url, "GET", f"/exam/host/endless?name={name}", Connection="close", **AS_A_PAGE))
        line.read_until(b"xxxx")
        line.hang_up()
    wait_until((running.state / f"named-{name}").exists, 15, "close() of the application's answer")


def test_a_large_upload_reaches_the_application_whole(running: Mounted) -> None:
    answer = requests.post(f"{running.url}/exam/host/upload", data=DATA * 4, timeout=30).json()
    assert answer["sha256"] == hashlib.sha256(DATA * 4).hexdigest()


def test_a_body_of_unknown_length_reaches_the_application_whole_or_is_refused(running: Mounted) -> None:
    if running.server.chunked:
        chunks = (DATA[at : at + 50_000] for at in range(0, len(DATA), 50_000))
        answer = requests.post(f"{running.url}/exam/host/upload", data=chunks, timeout=30)
        assert answer.json()["sha256"] == hashlib.sha256(DATA).hexdigest()
    else:
        with wire(running.url) as line:
            line.send(request_head(running.url, "POST", "/exam/host/upload", Transfer_Encoding="chunked"))
            assert line.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 411 "), "never an empty body instead"


def test_a_client_that_waits_for_100_continue_is_served(running: Mounted) -> None:
    """RFC 9110 section 10.1.1: a client does not wait for ever, so a server that stays silent is served the body too."""
    headers = {"Content_Length": "5", "Expect": "100-continue", "Connection": "close"}
    with wire(running.url) as line:
        line.send(request_head(running.url, "POST", "/exam/host/upload", **headers))
        if running.server.continues:
            assert line.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        else:
            assert not line.heard_within(0.3)
        line.send(b"hello")
        assert hashlib.sha256(b"hello").hexdigest().encode() in line.read_until(b"}")


def test_large_cookies_of_the_site_are_no_trouble(running: Mounted) -> None:
    answer, body = ask(running, "/exam/host/headers", Cookie="uid=c1; big=" + "x" * 6000)
    assert answer.status == 200
    assert b"x" * 6000 in body


def test_a_websocket_is_opened_or_refused_at_once(running: Mounted) -> None:
    handshake = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": base64.b64encode(b"0123456789abcdef").decode(),
        "Sec_WebSocket_Version": "13",
        "Origin": running.url,
    }
    path = f"/proview/v1/sessions/{uuids.uuid4()}/signal"
    with wire(running.url) as line:
        line.send(request_head(running.url, "GET", path, **handshake))
        head = line.read_until(b"\r\n\r\n")
        if running.server.websockets:
            assert head.startswith(b"HTTP/1.1 101 ")
        else:
            assert head.split(b" ")[1] == b"501"
            assert b"websocket_unsupported" in line.read_until(b"websocket_unsupported")


class Sitting:
    """A candidate's browser as far as HTTP goes."""

    def __init__(self, running: Mounted, attempt: str) -> None:
        self.running = running
        self.http = requests.Session()
        self.http.headers["Origin"] = running.url
        self.http.cookies.set("uid", "c1")
        page = self.http.get(f"{running.url}/exam/{attempt}/page", headers={"Sec-Fetch-Dest": "document"}, timeout=10)
        self.injected = page.headers.get("X-Proview-Injected")
        started = self.http.post(f"{running.url}/proview/v1/sessions", json={"route": "exam"}, timeout=10)
        started.raise_for_status()
        self.uuid = started.json()["session_uuid"]
        self.http.headers["X-Proview-Token"] = started.json()["session_token"]

    def post(self, what: str, **body: object) -> requests.Response:
        url = f"{self.running.url}/proview/v1/sessions/{self.uuid}/{what}"
        return self.http.post(url, json=body, timeout=10)

    def put(self, seq: int, body: bytes, digest_of: bytes | None = None) -> requests.Response:
        digest = hashlib.sha256(body if digest_of is None else digest_of).digest()
        headers = {
            "Content-Type": MIME,
            "Content-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:",
            "X-Piece-Start": str(1000 * seq),
            "X-Piece-Duration": "1000",
        }
        url = f"{self.running.url}/proview/v1/sessions/{self.uuid}/tracks/camera/runs/0/pieces/{seq}"
        return self.http.put(url, data=body, headers=headers, timeout=10)


def test_a_session_from_page_to_recording(running: Mounted) -> None:
    sitting = Sitting(running, "host")
    assert sitting.injected == "exam"
    parts = recorded().pieces
    assert [sitting.put(seq, body).status_code for seq, body in enumerate(parts)] == [201] * len(parts)
    assert sitting.put(1, parts[1]).status_code == 200, "the same again"
    assert sitting.put(1, parts[0]).status_code == 409, "other bytes"
    assert sitting.put(len(parts), b"piece", digest_of=b"other").status_code == 400
    event = {"seq": 1, "event_type_id": 13, "name": "recording started", "at": 0, "data": {}}
    assert sitting.post("events", events=[event]).json() == {"seqs": [1]}
    assert sitting.post("heartbeat", t=1).json()["t"] == 1
    assert sitting.post("poll", client="mounted-test", cursor=None).json()["state"] == "running"
    assert sitting.post("stop", reason="page").json() == {"state": "stopped"}

    details = wait_finalised(running, sitting.uuid)
    assert (details["status"], details["integrity"]["pieces"], details["integrity"]["conflicts"]) == (
        "stopped",
        len(parts),
        1,
    )
    assert {seq for _, seq in pieces(running, sitting.uuid)} == set(range(len(parts)))
    assert [recording["track"] for recording in details["recordings"]] == ["camera"]


def test_our_token_leaves_the_sites_own_login_alone(running: Mounted) -> None:
    """A site behind Basic authentication: its browsers send their password with every request."""
    sitting = Sitting(running, "host")
    sitting.http.auth = ("alice", "secret")
    assert sitting.put(9, b"piece").status_code in (201, 200, 410)
    assert sitting.post("heartbeat", t=1).status_code == 200
