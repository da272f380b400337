"""The exam site, in PHP, JSP and as WSGI: the way of a candidate, and what goes wrong on it."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from tests.demo.browser import ANSWERS, SAVED, Visitor, element, page
from tests.demo.conftest import ROOT, Sites


def test_whole_examination_from_login_to_summary(visitor: Visitor) -> None:
    assert visitor.get("/").headers["Location"] == "/login"
    answer = visitor.log_in("Bruno Costa", "harbour-17")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/exams")
    assert visitor.http.cookies["uid"] == "c1002"
    base = visitor.start()
    assert re.fullmatch(r"/exam/[0-9a-f]{32}", base)
    answer = visitor.send_form(f"{base}/instructions", {})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/q/1")
    for number, fields in enumerate(ANSWERS, 1):
        answer = visitor.send_form(f"{base}/q/{number}", {**fields, "go": "next"})
        following = f"q/{number + 1}" if number < 5 else "upload"
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/{following}")
    assert visitor.upload(base, "working.pdf", b"%PDF-1.4 my working").headers["Location"] == f"{base}/upload"
    review = element(visitor.get(f"{base}/review"), "#answers").get_text()
    assert (
        "The median" in review
        and "Weight of a parcel" in review
        and "Randomise." in review
        and "Not answered" not in review
    )
    answer = visitor.finish(base)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/done")
    summary = element(visitor.get(f"{base}/done"), "#content").get_text()
    assert (
        "Thank you, Bruno Costa." in summary and "You answered 5 of 5 questions" in summary and "working.pdf" in summary
    )
    record = visitor.answers(base)
    assert record["answers"] == SAVED
    assert record["finished"] is True
    assert (record["candidate"], record["name"]) == ("c1002", "Bruno Costa")


@pytest.mark.system
@pytest.mark.parametrize("other", ["wsgi", "jsp"])
def test_all_sites_answer_with_the_same_pages(sites: Sites, other: str) -> None:
    php, same = (shapes_of_all_pages(Visitor(sites.get(kind))) for kind in ("php", other))
    assert php == same


def shapes_of_all_pages(candidate: Visitor) -> dict[str, str]:
    shapes = {"login": shape_of(candidate.get("/login").text, "")}
    candidate.log_in('Jürgen "J" O\'Hara <i>', "lantern-88")
    base = candidate.start()
    for number, fields in enumerate(ANSWERS[:4], 1):
        candidate.send_form(f"{base}/q/{number}", fields)
    candidate.upload(base, "a & b.txt", b"12345")
    paths = ["/handbook", "/nowhere", "/broken", f"{base}/finish", *(f"{base}/q/{number}" for number in range(1, 6))]
    paths += [
        f"{base}/{name}" for name in ("instructions", "upload", "review", "scratch?q=3", "calculator", "answers.json")
    ]
    shapes |= {path.replace(base, ""): shape_of(candidate.get(path).text, base) for path in paths}
    shapes["wrong number"] = shape_of(candidate.send_form(f"{base}/q/5", {"answer": "<five>"}).text, base)
    shapes["no file"] = shape_of(candidate.send_form(f"{base}/upload", {}).text, base)
    candidate.finish(base)
    shapes["done"] = shape_of(candidate.get(f"{base}/done").text, base)
    shapes["exams"] = shape_of(candidate.get("/exams").text.split("Your attempts")[0], base)
    return shapes


def shape_of(text: str, base: str) -> str:
    """The page without white space between its parts and without what differs from attempt to attempt."""
    text = re.sub(r";jsessionid=\w+", "", text.replace(base, "/exam/ATTEMPT") if base else text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d( at)? \d\d:\d\d", "TIME", text)
    return re.sub(r"(?<=[>{,:])\s+|\s+(?=<)", "", re.sub(r"\s+", " ", text)).strip()


def test_questions_show_progress_clock_and_the_saved_answer(candidate: Visitor) -> None:
    base = candidate.start()
    first = candidate.get(f"{base}/q/1")
    assert element(first, "#timer")["data-seconds"] == "2700"
    assert element(first, "#status .bar")["style"] == "width: 20%"
    candidate.send_form(f"{base}/q/1", {"answer": "c"})
    candidate.send_form(f"{base}/q/2", {"answer[]": ["d", "b"]})
    candidate.send_form(f"{base}/q/4", {"answer": "\n  indented\n"})
    assert [box["value"] for box in page(candidate.get(f"{base}/q/1")).select("input[checked]")] == ["c"]
    assert [box["value"] for box in page(candidate.get(f"{base}/q/2")).select("input[checked]")] == ["b", "d"]
    assert element(candidate.get(f"{base}/q/4"), "textarea").get_text() == "\nindented"


def test_previous_next_and_scratch_paper_save_the_answer(candidate: Visitor) -> None:
    base = candidate.start()
    targets = {"prev": "q/2", "next": "q/4", "scratch": "scratch?q=3", "": "q/4", "//evil.example": "q/4"}
    for go, target in targets.items():
        answer = candidate.send_form(f"{base}/q/3", {"answer": f"by {go}", "go": go})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/{target}")
        assert candidate.answers(base)["answers"]["3"] == f"by {go}".strip()
    assert candidate.send_form(f"{base}/q/1", {"go": "prev"}).headers["Location"] == f"{base}/instructions"


def test_emptied_answer_is_unanswered_again(candidate: Visitor) -> None:
    base = candidate.start()
    candidate.send_form(f"{base}/q/2", {"answer[]": ["a"]})
    candidate.send_form(f"{base}/q/2", {})
    assert candidate.answers(base)["answers"] == {}
    assert "Not answered" in candidate.get(f"{base}/review").text


@pytest.mark.parametrize(
    ("number", "fields", "message"),
    [
        (1, {"answer": "z"}, "choose from the answers listed"),
        (1, {"answer": "a" * 100_000}, "choose from the answers listed"),
        (2, {"answer[]": ["a", "<b>"]}, "choose from the answers listed"),
        (3, {"answer": "x" * 201}, "at most 200 characters"),
        (4, {"answer": "ä" * 20_001}, "at most 20000 characters"),
        (5, {"answer": "five"}, "enter a number"),
        (5, {"answer": "1e5"}, "enter a number"),
        (5, {"answer": "٣"}, "enter a number"),
        (5, {"answer": "9" * 5000}, "enter a number"),
    ],
)
def test_wrong_answer_is_refused_and_the_earlier_one_kept(
    candidate: Visitor, number: int, fields: dict[str, Any], message: str
) -> None:
    base = candidate.start()
    candidate.send_form(f"{base}/q/{number}", ANSWERS[number - 1])
    answer = candidate.send_form(f"{base}/q/{number}", fields)
    assert answer.status_code == 422
    assert message in element(answer, ".message.error").get_text()
    assert candidate.answers(base)["answers"] == {str(number): SAVED[str(number)]}
    if number in (3, 4):
        assert fields["answer"] in answer.text, "what was typed must still be on the page"


def test_longest_allowed_answer_is_saved(candidate: Visitor) -> None:
    base = candidate.start()
    assert candidate.send_form(f"{base}/q/4", {"answer": "ä" * 20_000}).status_code == 303
    assert candidate.answers(base)["answers"]["4"] == "ä" * 20_000


def test_upload_shows_name_size_and_digest(candidate: Visitor) -> None:
    base = candidate.start()
    data = bytes(range(256)) * 5000 + b"\r\n--\r\n"
    assert candidate.upload(base, "scan 1.png", data).status_code == 303
    cells = [cell.get_text() for cell in element(candidate.get(f"{base}/upload"), "#uploaded").select("td")]
    assert cells == ["scan 1.png", f"{len(data)} bytes", hashlib.sha256(data).hexdigest()]
    assert (candidate.site.state / "uploads" / base.removeprefix("/exam/")).read_bytes() == data


def test_largest_allowed_upload_is_kept_and_a_new_one_replaces_it(candidate: Visitor) -> None:
    base = candidate.start()
    assert candidate.upload(base, "big.bin", bytes(20 << 20)).status_code == 303
    assert candidate.answers(base)["upload"]["size"] == 20 << 20
    candidate.upload(base, "empty.txt", b"")
    assert candidate.answers(base)["upload"] == {
        "name": "empty.txt",
        "size": 0,
        "sha256": hashlib.sha256(b"").hexdigest(),
    }


@pytest.mark.parametrize("size", [(20 << 20) + 1, 24 << 20])
def test_oversized_upload_says_so_and_keeps_everything(candidate: Visitor, size: int) -> None:
    base = candidate.start()
    candidate.send_form(f"{base}/q/1", {"answer": "b"})
    candidate.upload(base, "small.txt", b"small")
    answer = candidate.upload(base, "huge.bin", bytes(size))
    assert answer.status_code == 413
    assert "larger than 20 MB" in element(answer, ".message.error").get_text()
    record = candidate.answers(base)
    assert record["answers"] == {"1": "b"}
    assert record["upload"]["name"] == "small.txt"


def test_form_without_a_file_says_so(candidate: Visitor) -> None:
    base = candidate.start()
    for fields in ({}, {"file": "not a file"}):
        answer = candidate.send_form(f"{base}/upload", fields)
        assert answer.status_code == 422
        assert "choose a file" in element(answer, ".message.error").get_text()
    assert candidate.answers(base)["upload"] is None


def test_oversized_form_elsewhere_is_refused(candidate: Visitor) -> None:
    base = candidate.start()
    answer = candidate.post(f"{base}/q/4", {"answer": "x" * (22 << 20)})
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_wrong_password_and_missing_name_are_explained(visitor: Visitor) -> None:
    for name, password, message in (
        ("Alice", "wrong", "password is not known"),
        ("", "maple-41", "enter your name"),
        ("x" * 81, "maple-41", "enter your name"),
    ):
        answer = visitor.send_form("/login", {"name": name, "password": password})
        assert answer.status_code == 422
        assert message in element(answer, ".message.error").get_text()
        assert visitor.get("/exams").headers["Location"] == "/login"


def test_finished_attempt_is_not_changed_any_more(candidate: Visitor) -> None:
    base = candidate.start()
    assert candidate.get(f"{base}/done").headers["Location"] == f"{base}/review"
    candidate.send_form(f"{base}/q/1", {"answer": "b"})
    token = candidate.csrf(f"{base}/review")
    for _ in range(2):
        assert candidate.post(f"{base}/finish", {"csrf": token}).headers["Location"] == f"{base}/done"
    for name in ("q/1", "upload", "review"):
        assert candidate.get(f"{base}/{name}").headers["Location"] == f"{base}/done"
    answer = candidate.post(f"{base}/q/1", {"csrf": token, "answer": "a"})
    assert answer.status_code == 409
    assert "can no longer be changed" in answer.text
    assert candidate.upload(base, "late.txt", b"late", csrf=token).status_code == 409
    assert candidate.answers(base)["answers"] == {"1": "b"}


def test_attempts_are_listed_newest_first_with_their_state(visitor: Visitor) -> None:
    visitor.log_in("Chitra Rao", "lantern-88")
    first, second = visitor.start(), visitor.start()
    visitor.finish(first)
    links = [str(link["href"]) for link in page(visitor.get("/exams")).select("td a")]
    assert {f"{first}/done", f"{second}/instructions"} <= set(links)


def test_unknown_examination_cannot_be_started(candidate: Visitor) -> None:
    assert candidate.send_form("/exams", {"exam": "../x"}).status_code == 404


def test_head_answers_without_a_body(visitor: Visitor) -> None:
    for path in ("/login", "/handbook", "/static/exam.css"):
        answer = visitor.http.head(visitor.site.url + path, timeout=30)
        assert (answer.status_code, answer.content) == (200, b"")


def test_failing_page_is_a_readable_error_page(candidate: Visitor) -> None:
    answer = candidate.get("/broken")
    assert answer.status_code == 500
    assert element(answer, "h1").get_text() == "Something went wrong"
    assert "RuntimeE" not in answer.text and "always fails" not in answer.text and "Traceback" not in answer.text
    assert candidate.get("/exams").status_code == 200


def test_handbook_is_a_large_page(visitor: Visitor) -> None:
    answer = visitor.get("/handbook")
    assert answer.status_code == 200
    assert len(answer.content) >= 100_000
    assert answer.text.rstrip().endswith("</html>")


def test_review_mentions_head_where_parsers_stumble(candidate: Visitor) -> None:
    text = candidate.get(f"{candidate.start()}/review").text
    assert text.index("<!-- printAnswers() writes a window with its own <head>") < text.index("\n<head>\n")
    assert text.index("'<html><head><title>My answers</title></head><body>'") < text.index("\n</head>\n")


def test_scratch_paper_opens_the_calculator_in_its_own_window(candidate: Visitor) -> None:
    base = candidate.start()
    answer = candidate.get(f"{base}/scratch?q=4")
    assert f"openCalculator('{base}/calculator')" in answer.text
    assert "Back to question 4" in answer.text
    for hostile in ("9", "0", "<b>", "1%00", ""):
        assert "Back to question 1" in candidate.get(f"{base}/scratch?q={hostile}").text
    assert "Back to question 1" in candidate.get(f"{base}/scratch?q[]=4").text
    assert len(page(candidate.get(f"{base}/calculator")).select("#keys button")) == 17
    assert "window.open(" in candidate.get("/static/exam.js").text


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("logo.svg", "image/svg+xml"),
        ("exam.css", "text/css; charset=utf-8"),
        ("exam.js", "text/javascript; charset=utf-8"),
    ],
)
def test_static_files_are_revalidated(visitor: Visitor, name: str, kind: str) -> None:
    if visitor.site.kind == "jsp":
        return  # Tomcat hands these files out itself
    path = f"/static/{name}"
    first = visitor.get(path)
    assert (first.status_code, first.headers["Content-Type"]) == (200, kind)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    assert "Set-Cookie" not in first.headers

    def status(headers: dict[str, str]) -> int:
        answer = visitor.get(path, headers=headers)
        assert answer.content == (b"" if answer.status_code == 304 else first.content)
        assert answer.headers["ETag"] == etag
        return answer.status_code

    for known in (etag, f'W/{etag}, "other"', "*"):
        assert status({"If-None-Match": known}) == 304
    assert status({"If-Modified-Since": modified}) == 304
    assert status({"If-None-Match": '"other"', "If-Modified-Since": modified}) == 200
    for since in ("Thu, 01 Jan 1998 00:00:00 GMT", "nonsense", "", "9" * 400):
        assert status({"If-Modified-Since": since}) == 200


def test_site_is_ignorant_of_what_stands_before_it() -> None:
    files = [
        file
        for folder in ("php", "wsgi", "jsp", "content")
        for file in (ROOT / "demo_app" / folder).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    ]
    files.append(ROOT / "demo_app" / "wsgi_exam.py")
    assert len(files) > 25
    words = re.compile(r"pro(ctor|view)|webcam|camera|surveil|recording", re.IGNORECASE)
    assert [file.name for file in files if words.search(file.read_text("utf-8"))] == []
