from __future__ import annotations

from flask_proview.doctor.html_facts import MAX_LINKS, Form, read_facts


def form(page: str) -> Form:
    return read_facts(page).forms[0]


def test_head_of_a_page() -> None:
    facts = read_facts(
        "<!DOCTYPE html PUBLIC 'x'><html lang=de><title> A\n b </title><base href=/x/><meta charset=UTF-8>"
    )
    assert (facts.doctype, facts.lang, facts.title, facts.base, facts.meta_charset) == (
        "html PUBLIC 'x'",
        "de",
        "A b",
        "/x/",
        "utf-8",
    )


def test_an_empty_page_has_none_of_it() -> None:
    facts = read_facts("hello")
    assert (facts.doctype, facts.lang, facts.title, facts.base, facts.meta_charset, facts.frameset) == (None,) * 6


def test_links_have_their_words() -> None:
    facts = read_facts("<a href=/a title=t>Log <b>out</b></a><a href=/b>x<a href=/c>y</a><area href=/d alt=z><a>no</a>")
    assert [(link.kind, link.address, link.text) for link in facts.links] == [
        ("a", "/a", "Log out t"), ("a", "/b", "x"), ("a", "/c", "y"), ("area", "/d", "z"),
    ]  # fmt: skip


def test_a_hundred_thousand_links_are_bounded_and_counted() -> None:
    facts = read_facts("<a href=/x>y</a>" * 100_000)
    assert len(facts.links) == MAX_LINKS
    assert facts.links_dropped == 100_000 - MAX_LINKS


def test_code_is_found_wherever_it_is() -> None:
    facts = read_facts(
        '<script>a()</script><body onbeforeunload="b()"><a href="javascript:c()">x</a><script type="application/json">{}</script>'
    )
    assert [script.text for script in facts.scripts] == ["a()", "b()", "c()"]
    assert read_facts("<script src=/x.js></script>").script_sources == [("/x.js", 1)]


def test_refresh_with_and_without_address() -> None:
    assert read_facts("<meta http-equiv=Refresh content=\"5; URL='/next'\">").refresh == (5, "/next", 1)
    assert read_facts("<meta http-equiv=refresh content=60>").refresh == (60, "", 1)
    assert read_facts("<meta name=refresh content=60>").refresh is None


def test_frames() -> None:
    facts = read_facts("<frameset>\n<frame src=/a></frameset><iframe src=/b></iframe>")
    assert facts.frameset == 1
    assert [(kind, address) for kind, address, _ in facts.frames] == [("frame", "/a"), ("iframe", "/b")]
    assert [link.kind for link in facts.links] == ["frame", "iframe"]


def test_a_form_is_sent_as_a_browser_would_send_it() -> None:
    found = form(
        "<form method=POST action=/x><input name=a value=1><input type=hidden name=__VIEWSTATE value='/w='>"
        "<input type=checkbox name=c><input type=checkbox name=d checked><input type=radio name=r value=1 checked>"
        "<input name=off disabled value=1><textarea name=t>\n&lt;x</textarea>"
        "<select name=s><option value=1>1<option value=2 selected>2</select>"
        "<input type=submit name=go value=Go><button name=other value=2>x</button><input type=file name=f></form><input name=outside>"
    )
    assert found.method == "post"
    assert found.defaults() == [
        ("a", "1"), ("__VIEWSTATE", "/w="), ("d", "on"), ("r", "1"), ("t", "<x"), ("s", "2"), ("go", "Go"),
    ]  # fmt: skip


def test_hostile_tag_names_reach_no_code() -> None:
    facts = read_facts("<frame_of><_link><__class__ href=x><tag><end>")
    assert facts.links == []


def test_deep_nesting_costs_nothing() -> None:
    assert read_facts("<div>" * 200_000 + "<a href=/x>y</a>").links[0].address == "/x"
