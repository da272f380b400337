from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_proview.service.app import create_app
from flask_proview.service.runtime import Runtime, build_runtime

from .build import make_config
from .server import Server


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    runtime = build_runtime(make_config(tmp_path, media={"live": "off"}))
    runtime.start()
    yield runtime
    runtime.stop()


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for a module's socket tests; every test takes candidates of its own."""
    server = Server(tmp_path_factory.mktemp("server"), media={"live": "off"})
    server.start()
    yield server
    server.close()
