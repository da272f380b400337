"""The WSGI site without a server: it keeps to the rules of WSGI, and its command line explains itself."""

from __future__ import annotations

from pathlib import Path
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client

from demo_app.wsgi_exam import ExamSite, main


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", ["/", "/login", "/exams", "/handbook", "/broken", "/nowhere", "/static/exam.css"])
def test_answers_follow_the_wsgi_rules(tmp_path: Path, path: str, method: str) -> None:
    client = Client(validator(ExamSite(tmp_path)))
    with (tmp_path / "errors").open("w") as errors, client.open(path, method=method, errors_stream=errors) as answer:
        assert answer.status_code in (200, 303, 403, 404, 405, 500)


def test_form_cut_short_is_a_client_error(tmp_path: Path) -> None:
    client = Client(ExamSite(tmp_path))
    for length in ("100", "-1", "many", "9" * 30):
        answer = client.post(
            "/login",
            data=b"name=x",
            content_type="application/x-www-form-urlencoded",
            environ_overrides={"CONTENT_LENGTH": length},
        )
        assert answer.status_code == 400


def test_state_folder_that_cannot_be_written_is_an_error_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    answer = Client(ExamSite(tmp_path / "file")).get("/login")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "NotADirectoryError" in capsys.readouterr().err


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_bad_listen_address_is_explained(listen: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--listen", listen])
    assert stopped.value.code == 2
    assert f"--listen {listen}: expected HOST:PORT" in capsys.readouterr().err
