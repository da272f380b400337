"""Content-Security-Policy: what is added, and what never is."""

from __future__ import annotations

import random

import pytest

from flask_proview.middleware.csp import Site, admit_in_csp

from .site import PAGE, answering
from .site import Site as Served

SITE = Site("https://exam.example.com", "/proview")
WSS = "wss://exam.example.com"
MOUNT = "https://exam.example.com/proview/"
CSP = "Content-Security-Policy"
REPORT = "Content-Security-Policy-Report-Only"

CASES = [
    # policy, what becomes of it, nonce of the tag
    ("script-src 'self'", "script-src 'self'", None),
    ("script-src *", "script-src *", None),
    ("script-src https:", "script-src https:", None),
    ("script-src https://exam.example.com", "script-src https://exam.example.com", None),
    ("img-src 'none'", "img-src 'none'", None),
    ("script-src 'nonce-abc'", "script-src 'nonce-abc'", "abc"),
    ("script-src 'nonce-abc' 'strict-dynamic' 'self'", "script-src 'nonce-abc' 'strict-dynamic' 'self'", "abc"),
    ("script-src 'self' 'strict-dynamic'", "script-src 'self' 'strict-dynamic' 'nonce-NEW'", "NEW"),
    ("script-src 'none'", "script-src 'nonce-NEW'", "NEW"),
    ("script-src 'sha256-AAAA'", "script-src 'sha256-AAAA' 'nonce-NEW'", "NEW"),
    (
        "script-src https://cdn.example",
        "script-src https://cdn.example 'nonce-NEW'",
        "NEW",
    ),
    ("script-src 'self'; script-src-elem 'none'", "script-src 'self'; script-src-elem 'nonce-NEW'", "NEW"),
    (
        "script-src 'unsafe-inline' https://cdn.example",
        f"script-src 'unsafe-inline' https://cdn.example {MOUNT}",
        None,
    ),
    ("script-src 'unsafe-inline' 'nonce-abc'", "script-src 'unsafe-inline' 'nonce-abc'", "abc"),
    ("script-src 'nonce-a\"b'", "script-src 'nonce-a\"b' 'nonce-NEW'", "NEW"),
    ("SCRIPT-SRC 'SELF'", "SCRIPT-SRC 'SELF'", None),
    ("script-src 'self'; script-src 'none'", "script-src 'self'; script-src 'none'", None),
    (
        "default-src 'none'",
        f"default-src 'none'; script-src 'nonce-NEW'; connect-src 'self' {WSS}",
        "NEW",
    ),
    ("default-src 'self'", f"default-src 'self'; connect-src 'self' {WSS}", None),
    ("connect-src 'none'", f"connect-src 'self' {WSS}", None),
    ("connect-src 'self'", f"connect-src 'self' {WSS}", None),
    ("connect-src 'self' wss:", "connect-src 'self' wss:", None),
    ("connect-src *", "connect-src *", None),
    ("media-src 'none'", "media-src 'none'", None),
    (
        "worker-src 'none'; style-src 'none'; img-src 'none'",
        "worker-src 'none'; style-src 'none'; img-src 'none'",
        None,
    ),
    ("child-src 'none'; frame-src 'none'", "child-src 'none'; frame-src 'none'", None),
    ("webrtc 'block'; img-src *", "webrtc 'allow'; img-src *", None),
    ("webrtc 'allow'", "webrtc 'allow'", None),
    ("sandbox allow-forms", "sandbox allow-forms allow-scripts allow-same-origin", None),
    ("sandbox", "sandbox allow-scripts allow-same-origin", None),
    (
        "require-trusted-types-for 'script'; trusted-types 'none'",
        "require-trusted-types-for 'script'; trusted-types 'none'",
        None,
    ),
    ("", "", None),
    (";;", "", None),
]


@pytest.mark.parametrize(("policy", "expected", "nonce"), CASES)
def test_policy_is_changed_as_little_as_possible(policy: str, expected: str, nonce: str | None) -> None:
    assert admit_in_csp([(CSP, policy)], SITE, lambda: "NEW") == ([(CSP, expected)], nonce)


def test_every_policy_of_every_header_admits_the_tag() -> None:
    headers = [(CSP, "script-src 'nonce-abc', script-src 'none'"), (REPORT, "script-src https://cdn.example")]
    changed, nonce = admit_in_csp(headers, SITE, lambda: "NEW")
    assert nonce == "NEW"
    assert [name for name, _ in changed] == [CSP, REPORT]
    assert sum(value.count("'nonce-NEW'") for _, value in changed) == 3
    # The page's own nonce admits its scripts only where it stood.
    assert sum(value.count("'nonce-abc'") for _, value in changed) == 1


def test_nonce_that_all_strict_policies_share_is_reused() -> None:
    headers = [
        (CSP, "script-src 'nonce-a' 'nonce-b'"),
        (CSP, "script-src 'nonce-b'; img-src *"),
        (CSP, "script-src 'self'"),
    ]
    changed, nonce = admit_in_csp(headers, SITE, lambda: "NEW")
    assert nonce == "b"
    assert [value.partition(";")[0] for _, value in changed] == [value.partition(";")[0] for _, value in headers]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("frame-ancestors 'none'", "frame-ancestors 'self'"),
        ("frame-ancestors https://portal.example", "frame-ancestors https://portal.example 'self'"),
        ("frame-ancestors 'self'", "frame-ancestors 'self'"),
    ],
)
def test_page_in_our_frame_may_be_framed_by_its_own_origin(policy: str, expected: str) -> None:
    assert admit_in_csp([(CSP, policy)], SITE, lambda: "NEW", framed=True)[0] == [(CSP, expected)]
    assert admit_in_csp([(CSP, policy)], SITE, lambda: "NEW")[0] == [(CSP, policy)]


WORDS = [
    "'self'",
    "'none'",
    "*",
    "https:",
    "'unsafe-inline'",
    "'unsafe-eval'",
    "'strict-dynamic'",
    "'nonce-p'",
    "'sha256-AAAA'",
    "https://cdn.example",
    "data:",
]
NAMES = [
    "default-src",
    "script-src",
    "script-src-elem",
    "connect-src",
    "media-src",
    "worker-src",
    "child-src",
    "sandbox",
    "img-src",
]


def test_generated_policies_never_get_anything_unsafe_and_never_lose_anything() -> None:
    for seed in range(4000):
        rnd = random.Random(seed)  # noqa: S311
        policy = "; ".join(
            " ".join([name, *rnd.sample(WORDS, rnd.randrange(4))]) for name in rnd.sample(NAMES, rnd.randrange(1, 5))
        )
        changed, nonce = admit_in_csp([(CSP, policy)], SITE, lambda: "NEW")
        before, after = _parsed(policy), _parsed(changed[0][1])
        for name, sources in before.items():
            assert set(sources) - {"'none'"} <= set(after[name])
        inherited = set(before.get("default-src", []))
        for name in ("script-src", "script-src-elem"):
            added = set(after.get(name, [])) - set(before.get(name, inherited))
            assert added <= {"'nonce-NEW'", MOUNT}, policy
        effective = next((after[n] for n in ("script-src-elem", "script-src", "default-src") if n in after), None)
        if effective is not None and nonce is None:
            dynamic = "'strict-dynamic'" in effective
            assert not dynamic and {"'self'", "*", "https:", MOUNT} & set(effective), policy
        elif effective is not None:
            assert f"'nonce-{nonce}'" in effective, policy
        # A page whose inline scripts ran keeps them.
        original = next((before[n] for n in ("script-src-elem", "script-src", "default-src") if n in before), None)
        if (
            original
            and "'unsafe-inline'" in original
            and not {"'nonce-p'", "'sha256-AAAA'", "'strict-dynamic'"} & set(original)
        ):
            assert nonce is None, policy


def _parsed(policy: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for words in (part.split() for part in policy.split(";")) if words}


def test_page_is_sent_with_its_nonce_on_the_tag() -> None:
    site = Served(answering(PAGE, (CSP, "default-src 'self'; script-src 'nonce-r4nd'"), (REPORT, "default-src 'self'")))
    response = site.get()
    assert b'<script nonce="r4nd" src="/proview/init.js"' in response.data
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert "'nonce-r4nd'" in response.headers[CSP]
    assert WSS in response.headers[REPORT]


def test_fresh_nonces_differ() -> None:
    site = Served(answering(PAGE, (CSP, "script-src 'none'")))
    assert site.get().headers[CSP] != site.get().headers[CSP]
