from __future__ import annotations

import pytest

from flask_proview.errors import ApiError
from flask_proview.service.json_input import parse_object


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        '"text"',
        "{",
        '{"a":1,"a":2}',
        '{"a":{"b":1,"b":1}}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":1e999}',
        '{"a":9223372036854775808}',
        '{"a":1' + "0" * 4000 + "}",
        '{"a":' + "[" * 40 + "]" * 40 + "}",
        '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a":' * 100_000,
        b"\xff\xfe{}",
        b'{"a":"\xc3\x28"}',
        "{'a':1}",
        '{"a":1}x',
    ],
)
def test_what_is_not_strict_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ApiError) as caught:
        parse_object(text)
    assert (caught.value.status, caught.value.code) == (400, "json_invalid")


def test_nul_and_lone_surrogates_are_replaced_everywhere() -> None:
    parsed = parse_object(r'{"a":"x\u0000y","b":["\ud800z"],"c\ud801":{"d":"\ud83d\ude00"}}')
    assert parsed == {"a": "x\ufffdy", "b": ["\ufffdz"], "c\ufffd": {"d": "😀"}}


def test_ordinary_values_are_unchanged() -> None:
    assert parse_object('{"a":[1,2.5,true,null,"ä"],"b":{}}') == {"a": [1, 2.5, True, None, "ä"], "b": {}}
