"""One sitting through each door, in-process: page, launch cookie, session, piece, stop, details."""

from __future__ import annotations

import base64
import hashlib

from werkzeug.test import Client, TestResponse

from .conftest import COMPAT_HOST, ORIGIN, PAGE, TOKEN, Door

PIECE = b"\x1aE\xdf\xa3" + b"x" * 100
PASSWORD = "correct horse battery"


def open_page(client: Client, path: str = "/exam/7/take", base_url: str = ORIGIN) -> TestResponse:
    client.set_cookie("uid", "anna", domain="exam.example.edu")
    return client.get(path, base_url=base_url, headers={"Accept": "text/html", "Sec-Fetch-Dest": "document"})


def start(client: Client, **body: object) -> TestResponse:
    return client.post(
        "/proview/v1/sessions", base_url=ORIGIN, headers={"Origin": ORIGIN}, json={"route": "exam", **body}
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Origin": ORIGIN}


def put_piece(client: Client, uuid: str, token: str, body: bytes = PIECE) -> TestResponse:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return client.put(
        f"/proview/v1/sessions/{uuid}/tracks/camera/runs/0/pieces/0",
        base_url=ORIGIN,
        data=body,
        headers={
            **bearer(token),
            "Content-Type": "video/webm;codecs=vp8,opus",
            "Content-Digest": f"sha-256=:{digest}:",
            "X-Piece-Start": "0",
            "X-Piece-Duration": "1000",
        },
    )


def log_in(door: Door) -> dict[str, str]:
    door.runtime.users.add("ada", "admin", PASSWORD)
    answer = door.client().post(
        "/proview/v1/user/login", base_url=ORIGIN, json={"username": "ada", "password": PASSWORD}
    )
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def test_a_protected_page_gets_the_tag_and_a_launch_cookie_for_the_mount_only(door: Door) -> None:
    response = open_page(door.client())
    tag, rest = response.data.split(b"</script>", 1)
    assert b'<script src="/proview/init.js" data-proview-route="exam"' in tag
    assert PAGE.split(b"<title>", 1)[1] in rest
    assert response.headers["X-Proview-Injected"] == "exam"
    assert int(response.headers["Content-Length"]) == len(response.data)
    (cookie,) = [c for c in response.headers.getlist("Set-Cookie") if c.startswith("proview_launch_exam=")]
    assert "; Path=/proview;" in cookie
    assert "; HttpOnly" in cookie
    assert "; Secure" in cookie


def test_other_pages_and_other_hosts_are_left_alone(door: Door) -> None:
    for response in (
        open_page(door.client(), "/about"),
        open_page(door.client(), base_url="https://other.example"),
    ):
        assert response.data == PAGE
        assert "X-Proview-Injected" not in response.headers
        assert response.headers.getlist("Set-Cookie") == []


def test_a_refused_page_is_counted(door: Door) -> None:
    open_page(door.client(), base_url="https://other.example")
    (refusal,) = door.runtime.refusals.list()
    assert (refusal.reason, refusal.host) == ("domain", "other.example")


def test_a_sitting_from_the_page_to_the_details(door: Door) -> None:
    client = door.client()
    open_page(client)
    started = start(client)
    assert started.status_code == 201, started.text
    session = started.get_json()
    uuid, token = session["session_uuid"], session["session_token"]
    assert (session["session"], session["profile_id"], session["state"]) == ("7", "anna", "created")

    assert put_piece(client, uuid, token).status_code == 201
    assert put_piece(client, uuid, token).status_code == 200, "the same bytes again"
    assert put_piece(client, uuid, token, PIECE + b"!").status_code == 409, "other bytes"
    stop = client.post(f"/proview/v1/sessions/{uuid}/stop", base_url=ORIGIN, headers=bearer(token), json={})
    assert stop.get_json() == {"state": "stopped"}

    details = client.get(f"/proview/v1/sessions/{uuid}", base_url=ORIGIN, headers=log_in(door)).get_json()
    assert (details["session_external_id"], details["profile_external_id"]) == ("7", "anna")
    assert details["status"] == "stopped"
    assert details["integrity"]["pieces"] == 1
    assert details["integrity"]["conflicts"] == 1
    assert door.runtime.layout.run_file(uuid, "camera", 0).read_bytes() == PIECE


def test_the_next_page_resumes_the_session(door: Door) -> None:
    client = door.client()
    open_page(client)
    first = start(client).get_json()
    open_page(client)
    again = start(client)
    assert again.status_code == 200
    assert (again.get_json()["session_uuid"], again.get_json()["resumed"]) == (first["session_uuid"], True)


def test_reaching_a_stop_path_ends_the_session(door: Door) -> None:
    client = door.client()
    open_page(client)
    uuid = start(client).get_json()["session_uuid"]
    page = open_page(client, "/exam/7/done")
    assert b'data-proview-role="stop"' in page.data
    row = door.runtime.sessions.get(uuid)
    assert row is not None
    assert (row.state, row.end_reason) == ("stopped", "path")
    door.client().get("/exam/7/done")
    assert [event.name for event in door.runtime.events.of(row.id)] == ["Session Completed"]


def test_without_a_launch_cookie_the_public_token_starts_nothing(door: Door) -> None:
    refused = start(door.client(), token=TOKEN, session="7")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "launch_required")


def test_another_origin_starts_nothing_with_the_cookie(door: Door) -> None:
    client = door.client()
    open_page(client)
    refused = client.post(
        "/proview/v1/sessions", base_url=ORIGIN, headers={"Origin": "https://evil.example"}, json={"route": "exam"}
    )
    assert (refused.status_code, refused.get_json()["code"]) == (403, "origin_refused")


def test_the_page_may_not_choose_another_candidate(door: Door) -> None:
    client = door.client()
    open_page(client)
    refused = start(client, profile_id="berta")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "launch_mismatch")


def test_console_loader_and_errors_are_below_the_mount(door: Door) -> None:
    client = door.client()
    loader = client.get("/proview/init.js", base_url=ORIGIN)
    assert loader.content_type.startswith("text/javascript")
    login = client.get("/proview/console/", base_url=ORIGIN)
    assert login.status_code in (302, 303)
    assert "/proview/console/login" in login.headers["Location"]
    missing = client.get("/proview/nothing-here", base_url=ORIGIN)
    assert (missing.status_code, missing.get_json()["code"]) == (404, "not_found")


def test_classic_hosts_are_served_without_the_mount(door: Door) -> None:
    loader = door.client().get("/init.js", base_url=f"https://{COMPAT_HOST}")
    assert loader.content_type.startswith("text/javascript")
