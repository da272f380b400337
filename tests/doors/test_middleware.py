"""Door 2: ``ProviewMiddleware(application, config)`` around any WSGI callable."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.test import Client

from flask_proview import ProviewMiddleware
from flask_proview.config import load_config
from flask_proview.errors import ConfigError
from flask_proview.extension import _StartedInEachProcess
from flask_proview.service import runtime
from flask_proview.sessions.database import Database

from .conftest import COMPAT_HOST, ORIGIN, PAGE, bare_application, raw_config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def to_toml(raw: dict[str, Any]) -> str:
    lines: list[str] = []
    for name, value in raw.items():
        for table in value if isinstance(value, list) else [value]:
            lines += [f"[[{name}]]" if isinstance(value, list) else f"[{name}]"]
            lines += [f"{key} = {json.dumps(one)}" for key, one in table.items()]
    return "\n".join(lines)


def test_a_path_a_dict_and_a_config_are_the_same(tmp_path: Path, closing: ExitStack) -> None:
    raw = raw_config(tmp_path)
    file = tmp_path / "proview.toml"
    file.write_text(to_toml(raw))
    for source in (str(file), file, raw, load_config(raw)):
        application = ProviewMiddleware(bare_application, source)
        closing.callback(application.runtime.stop)
        page = Client(application).get("/exam/7/take", base_url=ORIGIN, headers={"Accept": "text/html"})
        assert page.headers["X-Proview-Injected"] == "exam"


def test_a_wrong_configuration_is_a_clear_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="proview init"):
        ProviewMiddleware(bare_application, str(tmp_path / "none.toml"))


def test_first_requests_that_come_at_once_wait_for_one_start(
    tmp_path: Path, closing: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, started, go_on = threading.Event(), threading.Event(), threading.Event()
    application = ProviewMiddleware(bare_application, raw_config(tmp_path))
    closing.callback(application.runtime.stop)

    def prepare(_database: Database) -> None:
        assert not starting.is_set(), "started twice"
        starting.set()
        go_on.wait(10)
        started.set()

    monkeypatch.setattr(runtime, "prepare_database", prepare)
    seen: list[bool] = []

    def ask() -> None:
        Client(application).get("/other", base_url=ORIGIN)
        seen.append(started.is_set())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert starting.wait(10)
    go_on.set()
    for thread in threads:
        thread.join()
    assert seen == [True] * 4, "nobody is served by a runtime that has not started"


def test_a_database_that_is_down_at_the_first_request_stops_no_page_and_is_tried_again(
    tmp_path: Path, closing: ExitStack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    application = ProviewMiddleware(bare_application, raw_config(tmp_path))
    closing.callback(application.runtime.stop)
    prepare, tries = runtime.prepare_database, []
    monkeypatch.setattr(_StartedInEachProcess, "RETRY_S", 3600.0)

    def down(_database: Database) -> None:
        tries.append(1)
        raise OperationalError("SELECT 1", {}, Exception("the database is down"))

    monkeypatch.setattr(runtime, "prepare_database", down)
    for _ in range(2):
        page = Client(application).get("/other", base_url=ORIGIN)
        assert (page.status_code, page.data) == (200, PAGE)
    assert len(tries) == 1, "not at every request"
    assert "pages pass" in caplog.text
    monkeypatch.setattr(_StartedInEachProcess, "RETRY_S", 0.0)
    monkeypatch.setattr(application._front._started, "_not_before", 0.0)
    Client(application).get("/other", base_url=ORIGIN)
    assert len(tries) == 2
    monkeypatch.setattr(runtime, "prepare_database", prepare)
    Client(application).get("/other", base_url=ORIGIN)
    here = {"REMOTE_ADDR": "127.0.0.1"}
    ready = Client(application).get("/proview/readyz", base_url=ORIGIN, environ_overrides=here)
    assert ready.get_json()["status"] == "ok"
    assert application.runtime.pieces._running, "pieces are taken"


def test_responses_of_other_paths_are_the_very_same_iterable(tmp_path: Path, closing: ExitStack) -> None:
    body = [b"as it is"]

    def application(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body

    wrapped = ProviewMiddleware(application, raw_config(tmp_path))
    closing.callback(wrapped.runtime.stop)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "wsgi.url_scheme": "https", "HTTP_HOST": "exam.example.edu"}
    assert wrapped(environ, lambda *_: lambda _data: None) is body


@pytest.mark.parametrize("host", [COMPAT_HOST, COMPAT_HOST.upper(), f"{COMPAT_HOST}:443"])
@pytest.mark.parametrize("path", ["/init.js", "/any/path/of/old/init.js", "/proview/init.js"])
def test_classic_hosts_are_ours_as_a_whole(tmp_path: Path, closing: ExitStack, host: str, path: str) -> None:
    application = ProviewMiddleware(bare_application, raw_config(tmp_path))
    closing.callback(application.runtime.stop)
    response = Client(application).get(path, headers={"Host": host})
    assert response.status_code == 200
    assert response.content_type.startswith("text/javascript")


def test_on_other_hosts_those_paths_belong_to_the_application(tmp_path: Path, closing: ExitStack) -> None:
    application = ProviewMiddleware(bare_application, raw_config(tmp_path))
    closing.callback(application.runtime.stop)
    for host in ("exam.example.edu", f"x.{COMPAT_HOST}", f"{COMPAT_HOST}.evil.example"):
        assert Client(application).get("/init.js", headers={"Host": host}).data == PAGE


def test_paths_that_only_begin_like_the_mount_belong_to_the_application(tmp_path: Path, closing: ExitStack) -> None:
    application = ProviewMiddleware(bare_application, raw_config(tmp_path))
    closing.callback(application.runtime.stop)
    assert Client(application).get("/proview-of-the-exam", base_url=ORIGIN).data == PAGE
