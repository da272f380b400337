"""The exam site, in PHP and as WSGI: what attackers and broken clients send."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.demo.browser import Site, Visitor, element, page
from tests.demo.conftest import STACKS

XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
UNKNOWN = "0" * 32


def test_repeated_and_nested_fields_do_no_harm(candidate: Visitor) -> None:
    base = candidate.start()
    for fields in (
        {"answer[]": "a"},
        {"answer[x][y]": "a"},
        {"answer": ["b", "a"]},
        {"answer[]": ["a", "a"], "csrf[]": "x"},
    ):
        for number in (1, 2):
            assert candidate.send_form(f"{base}/q/{number}", fields).status_code in (303, 403)
    assert candidate.answers(base)["answers"].get("1") in (None, "a")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../index.php", "index.php"),
        ("..\\..\\evil.txt", "evil.txt"),
        ("<b>bold</b>&.txt", "b>&.txt"),
        ("<img src=x>.png", "<img src=x>.png"),
        ("x" * 400 + ".txt", "x" * 150),
        ("naïve résumé.pdf", "naïve résumé.pdf"),
    ],
)
def test_hostile_file_names_are_only_text(candidate: Visitor, sent: str, shown: str) -> None:
    if candidate.site.kind == "jsp" and "\\" in sent:
        shown = sent.replace("\\", "")  # Tomcat reads a backslash in a quoted file name as an escape
    base = candidate.start()
    token = candidate.csrf(f"{base}/upload")
    body = (
        f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{token}\r\n'
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{sent}"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = candidate.http.post(
        f"{candidate.site.url}{base}/upload", data=body.encode(), headers=headers, allow_redirects=False, timeout=30
    )
    assert answer.status_code == 303
    assert candidate.answers(base)["upload"]["name"] == shown
    shown_page = candidate.get(f"{base}/upload")
    assert element(shown_page, "#uploaded td").get_text() == shown
    assert page(shown_page).select("#uploaded img, #uploaded b") == []
    assert (
        sorted(file.name for file in (candidate.site.state / "uploads").iterdir() if file.name.startswith("..")) == []
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n\r\n",
        b"garbage",
        b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n',
    ],
)
def test_broken_multipart_is_a_client_error(candidate: Visitor, body: bytes) -> None:
    base = candidate.start()
    for kind in ("multipart/form-data; boundary=b", "multipart/form-data"):
        answer = candidate.http.post(
            f"{candidate.site.url}{base}/upload",
            data=body,
            headers={"Content-Type": kind},
            allow_redirects=False,
            timeout=30,
        )
        assert answer.status_code in (400, 403, 422)
    assert candidate.answers(base)["upload"] is None


def test_script_in_name_and_answers_stays_text(visitor: Visitor) -> None:
    failed = visitor.send_form("/login", {"name": XSS, "password": "wrong"})
    assert element(failed, "#name")["value"] == XSS
    visitor.log_in(XSS)
    base = visitor.start()
    visitor.send_form(f"{base}/q/3", {"answer": XSS})
    visitor.send_form(f"{base}/q/4", {"answer": f"</textarea>{XSS}"})
    pages = [visitor.get(path) for path in ("/exams", f"{base}/q/3", f"{base}/q/4", f"{base}/review")]
    assert element(pages[1], "input[name=answer]")["value"] == XSS
    visitor.finish(base)
    pages.append(visitor.get(f"{base}/done"))
    for each in pages:
        assert element(each, ".user strong").get_text() == XSS
        assert page(each).select("img[onerror]") == []
        assert "<script>alert" not in each.text
    answers = visitor.get(f"{base}/answers.json")
    assert answers.headers["Content-Type"].partition(";")[0] == "application/json"
    assert answers.json()["answers"]["3"] == XSS


def test_control_characters_and_bad_utf8_do_not_break_the_pages(candidate: Visitor) -> None:
    base = candidate.start()
    token = candidate.csrf(f"{base}/q/4")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"csrf={token}&answer=a%00b%1b%ff%C0%80%ED%A0%80c%E2%80%AE"
    assert (
        candidate.http.post(
            f"{candidate.site.url}{base}/q/4", data=body, headers=headers, allow_redirects=False, timeout=30
        ).status_code
        == 303
    )
    saved = candidate.answers(base)["answers"]["4"]
    assert saved.startswith("ab\ufffd") and saved.endswith("c\u202e") and set(saved) == set("abc\ufffd\u202e")
    assert candidate.get(f"{base}/review").status_code == 200


@pytest.mark.parametrize("token", ["", "0" * 32, "ä"])
def test_forms_with_a_wrong_token_are_refused(candidate: Visitor, token: str) -> None:
    base = candidate.start()
    candidate.send_form(f"{base}/q/1", {"answer": "b"})
    tries = {
        "/exams": {"exam": "stat201"},
        f"{base}/instructions": {},
        f"{base}/q/1": {"answer": "a"},
        f"{base}/finish": {},
        "/login": {},
    }
    for path, fields in tries.items():
        answer = candidate.post(path, {"csrf": token, **fields})
        assert answer.status_code == 403
        assert "form has expired" in answer.text
    assert candidate.upload(base, "a.txt", b"a", csrf=token).status_code == 403
    record = candidate.answers(base)
    assert (record["answers"], record["finished"], record["upload"]) == ({"1": "b"}, False, None)


def test_token_of_another_session_is_refused(site: Site, candidate: Visitor) -> None:
    base = candidate.start()
    other = Visitor(site)
    other.log_in("Chitra Rao", "lantern-88")
    assert candidate.post(f"{base}/q/1", {"csrf": other.csrf("/exams"), "answer": "a"}).status_code == 403


def test_login_changes_the_session_and_logout_ends_it(visitor: Visitor) -> None:
    visitor.get("/login")
    before = session_cookie(visitor)
    visitor.log_in()
    after = session_cookie(visitor)
    assert before != after
    base = visitor.start()
    assert visitor.get("/logout").headers["Location"] == "/login"
    assert visitor.http.cookies.get_dict() == {}
    for stale in (before, after, (before[0], "../../attempts/x")):
        answer = visitor.get(f"{base}/q/1", headers={"Cookie": "=".join(stale)})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


def session_cookie(visitor: Visitor) -> tuple[str, str]:
    cookies = visitor.http.cookies.get_dict()
    name = {"wsgi": "EXAMSESS", "jsp": "JSESSIONID"}.get(visitor.site.kind, "PHPSESSID")
    return name, str(cookies[name])


def test_session_cookie_is_out_of_reach_of_scripts(visitor: Visitor) -> None:
    sent = visitor.get("/login").headers["Set-Cookie"].lower()
    assert "httponly" in sent and "samesite=lax" in sent and "path=/" in sent


@pytest.mark.parametrize(
    "name", ["instructions", "q/1", "upload", "review", "done", "answers.json", "scratch", "calculator"]
)
def test_attempt_is_shown_to_its_candidate_only(site: Site, candidate: Visitor, name: str) -> None:
    base = candidate.start()
    assert Visitor(site).get(f"{base}/{name}").headers["Location"] == "/login"
    other = Visitor(site)
    other.log_in("Daniel O'Neill", "meadow-23")
    answer = other.get(f"{base}/{name}")
    assert answer.status_code == 403
    assert "belongs to another candidate" in answer.text
    assert candidate.get(f"/exam/{UNKNOWN}/{name}").status_code == 404


def test_foreign_attempt_cannot_be_changed(site: Site, candidate: Visitor) -> None:
    base = candidate.start()
    candidate.send_form(f"{base}/q/1", {"answer": "b"})
    other = Visitor(site)
    other.log_in("Daniel O'Neill", "meadow-23")
    token = other.csrf("/exams")
    for path in ("instructions", "q/1", "finish"):
        assert other.post(f"{base}/{path}", {"csrf": token, "answer": "a"}).status_code == 403
    assert other.upload(base, "a.txt", b"a", csrf=token).status_code == 403
    record = candidate.answers(base)
    assert (record["answers"], record["finished"], record["upload"]) == ({"1": "b"}, False, None)


def test_uid_cookie_gives_no_rights(site: Site, candidate: Visitor) -> None:
    base = candidate.start()
    other = Visitor(site)
    other.log_in("Daniel O'Neill", "meadow-23")
    other.http.cookies.set("uid", "c1001", domain=urlsplit(site.url).hostname, path="/")
    assert other.get(f"{base}/q/1").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere", "/Login", "/login/", "/login.php", "/index.php", "/router.php", "/pages/login.php", "/include/store.php", "/.htaccess", "/.user.ini",
        "/static/", "/static/exam.php", "/static/..%2f..%2fexam.json", "/static/%2e%2e/exam.json", "/static/exam.css%00.png", "/%00", "/%ff%fe", "/exam/", "/exam/%2e%2e/login",
        f"/exam/{UNKNOWN[:-1]}/q/1", f"/exam/{'A' * 32}/q/1", f"/exam/{UNKNOWN}/q/0", f"/exam/{UNKNOWN}/q/01", f"/exam/{UNKNOWN}/q/-1", f"/exam/{UNKNOWN}/q/1%0a",
        f"/exam/{UNKNOWN}/q/%EF%BC%91", "/exam/..%2f..%2fwsgi-sessions/q/1",
    ],
)  # fmt: skip
def test_other_addresses_are_not_found(candidate: Visitor, path: str) -> None:
    if candidate.site.kind in STACKS and "%" in path:
        # Refused, or resolved, before the site sees it.
        assert raw_status(candidate.site, path) in (400, 404) or (candidate.site.kind, path) == (
            "jsp",
            "/exam/%2e%2e/login",
        )
        return
    assert raw_status(candidate.site, path) == 404
    answer = candidate.get(path)
    assert answer.status_code == 404
    assert "There is no page at this address." in element(answer, ".message.error").get_text()


@pytest.mark.parametrize(
    "path",
    [
        "/../../exam.json",
        "/static/../../php/index.php",
        "//login",
        "/static/..",
        "http://127.0.0.1/include/http.php",
        "/;/",
        "/a" * 8000,
    ],
)
def test_path_tricks_show_no_files(site: Site, path: str) -> None:
    assert raw_status(site, path) in (200, 303, 400, 404, 414)
    assert b"<?php" not in raw_answer(site, path)


def raw_answer(site: Site, path: str) -> bytes:
    """The address exactly as written; requests would tidy it."""
    address = urlsplit(site.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def raw_status(site: Site, path: str) -> int:
    return int(raw_answer(site, path).split(None, 2)[1])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET"),
        ("DELETE", "/login", "GET, POST"),
        ("PUT", "/exams", "GET, POST"),
        ("POST", "/handbook", "GET"),
    ],
)
def test_other_methods_are_refused(candidate: Visitor, method: str, path: str, allowed: str) -> None:
    answer = candidate.http.request(method, candidate.site.url + path, allow_redirects=False, timeout=30)
    assert answer.status_code == 405
    if candidate.site.kind == "jsp" and method not in ("GET", "POST"):
        return  # the compiled JSP itself knows no other methods, and says so in its own words
    assert answer.headers["Allow"] == allowed
