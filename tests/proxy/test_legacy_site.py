"""A whole exam on the PHP site (and on its plain WSGI twin) through gunicorn and the proxy: sessions, forms, redirects,
an upload and static files, on sites that know nothing of a proxy."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.demo.browser import ANSWERS, SAVED, Site, Visitor, element
from tests.demo.conftest import ROOT, command, wait_for_address

from .front import gunicorn_proxy


@pytest.fixture(scope="module", params=[pytest.param("php", marks=pytest.mark.system), "wsgi"])
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    state = tmp_path_factory.mktemp("proxied")
    log = state / "server.log"
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        server = subprocess.Popen(
            command(request.param),
            cwd=ROOT,
            env={**os.environ, "DEMO_STATE": str(state)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        stack.callback(server.wait, timeout=10)
        stack.callback(server.terminate)
        port = stack.enter_context(gunicorn_proxy(wait_for_address(server, log)))
        yield Site(request.param, f"http://127.0.0.1:{port}", state)


@pytest.fixture
def candidate(proxied: Site) -> Iterator[Visitor]:
    visitor = Visitor(proxied)
    assert visitor.log_in().status_code == 303
    yield visitor
    visitor.http.close()


def test_an_exam_is_taken_from_login_to_finish(candidate: Visitor) -> None:
    base = candidate.start()
    for number, fields in enumerate(ANSWERS, 1):
        answer = candidate.send_form(f"{base}/q/{number}", fields)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(f"{base}/")
    assert candidate.answers(base)["answers"] == SAVED
    assert candidate.finish(base).status_code == 303
    assert candidate.get(f"{base}/done").status_code == 200


def test_an_upload_arrives_byte_for_byte(candidate: Visitor) -> None:
    base = candidate.start()
    data = os.urandom(3_000_000) + b"\r\n--\r\n0\r\n\r\n"
    assert candidate.upload(base, "scan 1.png", data).status_code == 303
    assert hashlib.sha256(data).hexdigest() in element(candidate.get(f"{base}/upload"), "#uploaded").get_text()
    assert (candidate.site.state / "uploads" / base.removeprefix("/exam/")).read_bytes() == data


def test_pages_name_no_address_but_the_public_one(candidate: Visitor) -> None:
    base = candidate.start()
    page = candidate.get(f"{base}/q/1", follow=True)
    assert page.url.startswith(candidate.site.url)
    assert candidate.get("/", follow=True).url.startswith(candidate.site.url)


def test_candidates_keep_their_own_sessions(candidate: Visitor) -> None:
    stranger = Visitor(candidate.site)
    base = candidate.start()
    assert candidate.get(f"{base}/q/1").status_code == 200
    assert stranger.get(f"{base}/q/1").status_code in (302, 303, 401, 403, 404)
    stranger.http.close()
