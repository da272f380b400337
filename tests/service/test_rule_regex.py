from __future__ import annotations

import re

import pytest

from flask_proview.service.rule_regex import rule_regex


@pytest.mark.parametrize(
    ("rule", "path", "matches"),
    [
        ("/exam/<attempt>/done", "/exam/7/done", True),
        ("/exam/<attempt>/done", "/exam/7/8/done", False),
        ("/exam/<attempt>/done", "/exam/7/done/", False),
        ("/exam/<int:attempt>/done", "/exam/x/done", False),
        ("/mod/quiz/review.php", "/mod/quiz/review.php", True),
        ("/mod/quiz/review.php", "/mod/quiz/reviewXphp", False),
        ("/files/<path:rest>", "/files/a/b/c", True),
        ("/<any(finish, stop):end>", "/stop", True),
        ("/<any(finish, stop):end>", "/start", False),
        ("/a+b/<string(length=2):lang>", "/a+b/de", True),
        ("/u/<uuid:id>", "/u/11111111-2222-4333-8444-555555555555", True),
    ],
)
def test_rule_and_path(rule: str, path: str, matches: bool) -> None:
    assert (re.search(rule_regex(rule), path) is not None) is matches
