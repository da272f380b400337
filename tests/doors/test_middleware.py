"""Door 2: ``ProviewMiddleware(application, config)`` around any WSGI callable."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from flask_proview import ProviewMiddleware
from flask_proview.config import load_config
from flask_proview.errors import ConfigError

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
