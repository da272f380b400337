from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_proview.service.app import create_app
from flask_proview.service.runtime import Runtime, build_runtime

from .build import make_config


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
