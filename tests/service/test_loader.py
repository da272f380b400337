from __future__ import annotations

import gzip

import pytest
from flask.testing import FlaskClient

from flask_proview.service.loader import STATIC, read_static

LOADER = dict(read_static(STATIC))["init.js"].body


def test_the_loader_is_readable_by_any_page_and_cached_shortly(client: FlaskClient) -> None:
    answer = client.get("/proview/init.js")
    assert answer.data == LOADER
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=300" in answer.headers["Cache-Control"]
    again = client.get("/proview/init.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(("path", "up"), [("v4/init.js", "../"), ("a/b/c/init.js", "../../../")])
def test_every_path_that_ends_in_the_loader_is_it_and_knows_the_mount(client: FlaskClient, path: str, up: str) -> None:
    answer = client.get(f"/proview/{path}")
    assert answer.status_code == 200
    assert answer.data.endswith(LOADER)
    assert f'proviewBase="{up}"' in answer.text.partition("\n")[0]


def test_sdk_modules_have_the_type_that_nosniff_demands(client: FlaskClient) -> None:
    answer = client.get("/proview/static/sdk/index.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["ETag"]


def test_code_goes_compressed_to_browsers_that_say_so(client: FlaskClient) -> None:
    plain = client.get("/proview/static/sdk/session.js")
    packed = client.get("/proview/static/sdk/session.js", headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]
    again = client.get(
        "/proview/static/sdk/session.js", headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "static/nothing.js",
        "static/../config/load.py",
        "static/%2e%2e/errors.py",
        "static/sdk/",
        "static/sdk/types.d.ts",
        "static//etc/passwd",
    ],  # fmt: skip
)
def test_nothing_else_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(f"/proview/{path}").status_code in (404, 308)
