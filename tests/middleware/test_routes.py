"""Which paths are protected, however they are spelled."""

from __future__ import annotations

import pytest

from flask_proview.middleware.routes import RouteTable, spellings

from .site import Site, answering, config


def table(*routes: dict[str, object]) -> RouteTable:
    return RouteTable(config(*routes).routes)


def route(**values: object) -> dict[str, object]:
    return {"session": "literal:x", **values}


@pytest.mark.parametrize(
    ("rule", "path", "variables"),
    [
        ("/exam/<attempt>/take", "/exam/7/take", {"attempt": "7"}),
        ("/exam/<int:attempt>/q/<int:n>", "/exam/7/q/12", {"attempt": "7", "n": "12"}),
        ("/exam/<path:rest>", "/exam/a/b/c", {"rest": "a/b/c"}),
        ("/exam/", "/exam", {}),
        ("/exam", "/exam/", {}),
        ("/exam/<attempt>", "/exam/Pr\u00fcfung".encode().decode("latin-1"), {"attempt": "Prüfung"}),
        ("/a.php", "/a.php", {}),
        ("/", "/", {}),
    ],
)
def test_rule_matches_with_its_variables(rule: str, path: str, variables: dict[str, str]) -> None:
    match = table(route(path=rule)).match(path, "GET")
    assert match is not None and dict(match.variables) == variables


@pytest.mark.parametrize(
    "path", ["/", "/exam", "/exam/7", "/exam/x/q/1", "/exam/7/q/1/2", "", "/examine/7/q/1", "*", "/exam/\xff/q/1"]
)
def test_other_paths_do_not_match(path: str) -> None:
    assert table(route(path="/exam/<int:attempt>/q/<int:n>")).match(path, "GET") is None


def test_regular_expression_covers_the_whole_path() -> None:
    routes = table(route(regex=r"/(?P<course>\w+)/quiz(/(?P<page>\d+))?"))
    match = routes.match("/math/quiz", "GET")
    assert match is not None and dict(match.variables) == {"course": "math"}
    assert routes.match("/math/quiz/3x", "GET") is None
    assert routes.match("/x/math/quiz", "GET") is None


def test_first_match_in_the_files_order_wins() -> None:
    routes = table(route(path="/exam/<a>", name="general"), route(path="/exam/7", name="special"))
    match = routes.match("/exam/7", "GET")
    assert match is not None and match.route.name == "general"


def test_mode_off_ends_the_search() -> None:
    routes = table(route(path="/exam/help", mode="off"), route(path="/exam/<a>"))
    assert routes.match("/exam/help", "GET") is None
    assert routes.match("/exam/7", "GET") is not None


def test_methods_narrow_a_route() -> None:
    routes = table(route(path="/exam", methods=["GET"], name="get"), route(path="/exam", name="rest"))
    names = [
        match.route.name if match else None for match in (routes.match("/exam", m) for m in ("GET", "HEAD", "POST"))
    ]
    assert names == ["get", "get", "rest"]


def test_stop_path_goes_before_the_routes_own_path() -> None:
    routes = table(route(path="/exam/<a>/<page>", stop_paths=["/exam/<a>/done", "/bye"]))
    roles = [
        (m.role, dict(m.variables)) if m else None
        for m in (routes.match(p, "POST") for p in ("/exam/7/done", "/bye", "/exam/7/x"))
    ]
    assert roles == [("stop", {"a": "7"}), ("stop", {}), ("page", {"a": "7", "page": "x"})]


HIDING = [
    "/exam//7/take",
    "//exam/7/take",
    "/exam/7/./take",
    "/static/../exam/7/take",
    "/../exam/7/take",
    "/exam\\7\\take",
    "/exam/7;jsessionid=0A1B/take",
    "/exam/7/take;v=1",
    "/exam/7/take\0.png",
    "/exam%2f7%2ftake",
    "/exam/%37/take",
    "/x/%2e%2e/exam/7/take",
    "/x/..;/exam/7/take",
    "/proview/../exam/7/take",
]


@pytest.mark.parametrize("path", HIDING)
def test_protected_page_does_not_hide_behind_a_spelling(path: str) -> None:
    match = table(route(path="/exam/<attempt>/take")).match(path, "GET")
    assert match is not None and dict(match.variables) == {"attempt": "7"}


@pytest.mark.parametrize("path", ["/take.php/x", "/take.php/x/y.css", "/TAKE.PHP/x".lower(), "/a/../take.php/x"])
def test_script_is_recognised_with_extra_path_behind_it(path: str) -> None:
    assert table(route(path="/take.php")).match(path, "GET") is not None


def test_spelling_as_sent_is_looked_up_too() -> None:
    match = table(route(path="/exam/<a>")).match("/exam/a;b", "GET")
    assert match is not None and match.variables["a"] == "a"
    assert table(route(regex="/exam/a;b")).match("/exam/a;b", "GET") is not None


def test_usual_path_has_one_spelling() -> None:
    assert list(spellings("/exam/7/q/1.2-x")) == ["/exam/7/q/1.2-x"]


def test_page_behind_our_mounts_name_is_still_tagged() -> None:
    site = Site(answering(), lint=False)
    assert b"init.js" in site.get("/proview/../exam/7/take").data


def test_endless_and_many_paths_are_not_remembered() -> None:
    routes = table(route(path="/exam/<a>"))
    for number in range(10_000):
        routes.match(f"/exam/{number}", "GET")
    assert routes.match("/exam/" + "x" * 100_000, "GET") is not None
    assert routes._remembered.cache_info().currsize <= 8192
