"""Door 1: ``Proview(app)`` on a Flask application."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from flask_proview import Proview
from flask_proview.errors import ConfigError
from flask_proview.service.runtime import Runtime

from .conftest import ORIGIN, flask_application, raw_config


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    app = flask_application()
    app.config["PROVIEW_CONFIG"] = raw_config(tmp_path)
    return app


def is_proctored(app: Flask) -> bool:
    response = app.test_client().get("/exam/7/take", base_url=ORIGIN, headers={"Accept": "text/html"})
    return response.status_code == 200 and "X-Proview-Injected" in response.headers


def test_init_app_serves_an_application_factory(app: Flask, closing: ExitStack) -> None:
    proview = Proview()
    proview.init_app(app)
    closing.callback(app.extensions["proview"].stop)
    assert is_proctored(app)
    assert isinstance(app.extensions["proview"], Runtime)


def test_one_extension_serves_two_applications(tmp_path: Path, closing: ExitStack) -> None:
    proview = Proview()
    for name in ("a", "b"):
        app = flask_application()
        (tmp_path / name).mkdir()
        app.config["PROVIEW_CONFIG"] = raw_config(tmp_path / name)
        proview.init_app(app)
        closing.callback(app.extensions["proview"].stop)
        assert is_proctored(app)


def test_registering_twice_is_a_clear_error(app: Flask, closing: ExitStack) -> None:
    Proview(app)
    closing.callback(app.extensions["proview"].stop)
    with pytest.raises(ConfigError, match="registered on this application already"):
        Proview(app)
    assert is_proctored(app), "the first registration goes on working"


def test_a_missing_configuration_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match=r'app\.config\["PROVIEW_CONFIG"\] is missing'):
        Proview(flask_application())


def test_a_configuration_file_that_is_not_there_names_the_way_out(tmp_path: Path) -> None:
    app = flask_application()
    app.config["PROVIEW_CONFIG"] = str(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="proview init"):
        Proview(app)


def test_a_refused_configuration_leaves_the_application_as_it_was(app: Flask) -> None:
    app.config["PROVIEW_CONFIG"]["server"] = {"mont": "/x"}
    with pytest.raises(ConfigError, match="did you mean 'mount'"):
        Proview(app)
    assert "proview" not in app.extensions
    assert "proview" not in app.blueprints


def test_the_hosts_own_error_pages_and_hooks_are_left_alone(app: Flask, closing: ExitStack) -> None:
    @app.errorhandler(404)
    def own_page(_error: Exception) -> tuple[str, int]:
        return "our own page", 404

    Proview(app)
    closing.callback(app.extensions["proview"].stop)
    client = app.test_client()
    assert client.get("/nothing", base_url=ORIGIN).text == "our own page"
    assert client.get("/proview/nothing", base_url=ORIGIN).get_json()["code"] == "not_found"
    assert "X-Request-Id" not in client.get("/about", base_url=ORIGIN).headers


def test_flask_proview_is_the_command_line(app: Flask) -> None:
    result = CliRunner().invoke(FlaskGroup(create_app=lambda: app), ["proview", "--help"])
    assert result.exit_code == 0
    for command in ("init", "check", "serve", "user", "sessions", "db", "token"):
        assert f"\n  {command}" in result.output
