from __future__ import annotations

import hashlib
import itertools
import string
import time
from unittest import mock

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from flask_proview.errors import TokenError
from flask_proview.tokens import Kind, TokenSigner

OLD, NEW = "o" * 40 + "ld", "n" * 40 + "ew"
SIGNER = TokenSigner([OLD, NEW])


def test_claims_come_back_with_kind_times_and_id() -> None:
    claims = SIGNER.read(Kind.SESSION, SIGNER.issue(Kind.SESSION, {"sid": "x"}, 60))
    assert claims["sid"] == "x"
    assert claims["typ"] == "session"
    assert claims["exp"] - claims["iat"] == pytest.approx(60, abs=2)
    assert claims["jti"]


@pytest.mark.parametrize(("made", "asked"), list(itertools.permutations(Kind, 2)))
def test_a_token_of_one_kind_is_never_another(made: Kind, asked: Kind) -> None:
    with pytest.raises(TokenError):
        SIGNER.read(asked, SIGNER.issue(made, {"typ": asked.value, "sid": "x"}, 60))


def test_an_expired_token_says_so() -> None:
    with pytest.raises(TokenError) as caught:
        SIGNER.read(Kind.LAUNCH, SIGNER.issue(Kind.LAUNCH, {}, -1))
    assert caught.value.code == "token_expired"
    assert caught.value.status == 401


def test_a_missing_token_says_so() -> None:
    for missing in (None, ""):
        with pytest.raises(TokenError) as caught:
            SIGNER.read(Kind.LAUNCH, missing)
        assert caught.value.code == "token_missing"


@pytest.mark.parametrize("hostile", [7, [], {"a": 1}, "a" * 10_000, ".", "a.b", "\0", "é.é", "null", "eyJ.eyJ"])
def test_hostile_tokens_are_refused(hostile: object) -> None:
    with pytest.raises(TokenError):
        SIGNER.read(Kind.SESSION, hostile)


def test_a_token_from_the_future_is_refused() -> None:
    with mock.patch("flask_proview.tokens.time.time", return_value=time.time() + 3600):
        token = SIGNER.issue(Kind.SESSION, {}, 60)
    with pytest.raises(TokenError, match="future"):
        SIGNER.read(Kind.SESSION, token)


def test_old_keys_still_read_and_the_newest_signs() -> None:
    token = TokenSigner([OLD]).issue(Kind.DRAIN, {"sid": "x"}, 60)
    assert SIGNER.read(Kind.DRAIN, token)["sid"] == "x"
    with pytest.raises(TokenError):
        TokenSigner([OLD]).read(Kind.DRAIN, SIGNER.issue(Kind.DRAIN, {}, 60))


@given(st.integers(0, 200), st.sampled_from(string.ascii_letters + string.digits + "-_."))
def test_a_changed_character_never_yields_other_claims(position: int, character: str) -> None:
    token = SIGNER.issue(Kind.SESSION, {"sid": "x"}, 60)
    position %= len(token)
    changed = token[:position] + character + token[position + 1 :]
    try:
        claims = SIGNER.read(Kind.SESSION, changed)
    except TokenError:
        return
    # Only the unused bits of a last base64 character may differ, and then nothing else does.
    assert claims == SIGNER.read(Kind.SESSION, token)


def test_issued_tokens_are_those_of_itsdangerous() -> None:
    """Other programs may read them with the library alone, and tokens of older versions stay valid."""
    keys = ["old-key-of-more-than-thirty-two-characters", "new-key-of-more-than-thirty-two-characters"]
    options = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    theirs = URLSafeSerializer(keys, salt="flask-proview.launch", signer_kwargs=options)
    issued = TokenSigner(keys).issue(Kind.LAUNCH, {"session": "Prüfung ☂", "n": 1}, 60)
    assert theirs.loads(issued)["session"] == "Prüfung ☂"
    claims = {"typ": "launch", "iat": int(time.time()), "exp": time.time() + 60, "text": "x" * 500}
    assert TokenSigner(keys).read(Kind.LAUNCH, theirs.dumps(claims))["text"] == "x" * 500


@pytest.mark.parametrize("hours", [1, 24])
def test_a_clock_that_is_set_back_logs_nobody_out_and_makes_no_token_immortal(hours: int) -> None:
    signer = TokenSigner(["k" * 40])
    with time_machine.travel(time.time() + hours * 3600, tick=True):
        ahead = TokenSigner(["k" * 40]).issue(Kind.SESSION, {"sid": "1"}, 60)
        issued = signer.issue(Kind.SESSION, {"sid": "1"}, 60)
        assert signer.read(Kind.SESSION, issued)["sid"] == "1"
    assert signer.read(Kind.SESSION, issued)["sid"] == "1", "the clock was set back"
    with pytest.raises(TokenError, match="future"):
        TokenSigner(["k" * 40]).read(Kind.SESSION, ahead)
    with time_machine.travel(time.time() + hours * 3600 + 61), pytest.raises(TokenError, match="expired"):
        signer.read(Kind.SESSION, issued)
