"""Entity tags go out marked and come back as the application wrote them."""

from __future__ import annotations

import pytest

from flask_proview.middleware.etag import inward, outward


@pytest.mark.parametrize("tag", ['"abc"', 'W/"abc"', '""', '"a;px=other"', "unquoted", '"x-gzip"', '"a,b c"'])
def test_tag_comes_back_as_it_was(tag: str) -> None:
    out = outward(tag, "v1")
    assert out is not None and out.startswith('W/"')
    assert inward(out, "v1") == tag
    assert inward(f'"old", {out} , W/"other"', "v1") == tag
    assert inward(out, "v2") is None


@pytest.mark.parametrize("header", ["*", '"abc"', 'W/"abc"', "", '"abc;px=v2"', "abc;px=v1"])
def test_tag_that_is_not_ours_is_not_passed_on(header: str) -> None:
    assert inward(header, "v1") is None


@pytest.mark.parametrize("tag", ["", "two words", 'a"b', "a,b"])
def test_tag_that_cannot_be_carried_is_dropped(tag: str) -> None:
    assert outward(tag, "v1") is None


def test_several_of_ours_come_back() -> None:
    assert inward('W/"a;px=v", W/"b;pw=v"', "v") == '"a", W/"b"'
