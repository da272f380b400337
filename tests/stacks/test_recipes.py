"""The configurations of docs/legacy/ load as they are printed, and protect the addresses that they are printed for."""

from __future__ import annotations

import re
import tomllib

import pytest

from flask_proview.config import Config, load_config
from flask_proview.middleware.routes import RouteTable

from .snippets import PAGES

SECRETS = {"PROVIEW_SECRET_KEYS": "q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C"}


def documented(page: str) -> Config:
    """All blocks of a page as one file: the later ones are further routes."""
    found = re.findall(r"^```toml\n(.*?)^```$", (PAGES / page).read_text("utf-8"), re.S | re.M)
    assert len(found) > 1
    return load_config(tomllib.loads("\n".join(found)), SECRETS)


@pytest.mark.parametrize(
    ("page", "path", "route", "role"),
    [
        ("php.md", "/exam/8f2c/q/3", "exam", "page"),
        ("php.md", "/exam/8f2c/done", "exam", "stop"),
        ("php.md", "/quiz/attempt.php", "quiz", "page"),
        ("php.md", "/quiz/attempt.php/x", "quiz", "page"),
        ("php.md", "/quiz/review.php", "quiz", "stop"),
        ("jsp.md", "/exam/17/q/1;jsessionid=0A1B", "exam", "page"),
        ("jsp.md", "/exam/17;v=1/done;jsessionid=0A1B.node1", "exam", "stop"),
        ("jsp.md", "/exam/take.do;jsessionid=0A1B", "take", "page"),
        ("jsp.md", "/exam/finished.do", "take", "stop"),
        ("aspnet.md", "/Exam/Take.aspx", "exam", "page"),
        ("aspnet.md", "/Exam/Done.aspx", "exam", "stop"),
        ("aspnet.md", "/Quiz/Take.aspx", "take", "page"),
        ("django.md", "/exam/8f2c/q/3", "exam", "page"),
        ("django.md", "/take/", "take", "page"),
        ("django.md", "/finished/", "take", "stop"),
    ],
)
def test_a_documented_address_is_protected(page: str, path: str, route: str, role: str) -> None:
    match = RouteTable(documented(page).routes).match(path, "GET")
    assert match is not None
    assert (match.route.name, match.role) == (route, role)
    assert ";" not in "".join(match.variables.values())


@pytest.mark.parametrize("page", ["php.md", "jsp.md", "aspnet.md", "django.md"])
def test_the_login_is_left_alone(page: str) -> None:
    assert RouteTable(documented(page).routes).match("/login;jsessionid=0A1B", "GET") is None
