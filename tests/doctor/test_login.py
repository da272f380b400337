from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from flask_proview.doctor.login import LoginError

from .site import Answer, Answerer, Asked, crawl, page, redirect, running

FORM = "<form method=post action='/check?x=1'><input type=hidden name=__VIEWSTATE value='/wEP=='><input name=user><input type=password name=pw><input type=submit name=go value=Go></form>"
FIELDS = (("user", "ann"), ("pw", "s&cret ü"))


def check(asked: Asked) -> Answer:
    fields = dict(parse_qsl(asked.body.decode()))
    if (
        fields == {"__VIEWSTATE": "/wEP==", "user": "ann", "pw": "s&cret ü", "go": "Go"}
        and "first=1" in asked.headers["cookie"]
    ):
        return redirect("/home", "Set-Cookie: sid=77; Path=/", status="303 See Other")
    return page(FORM)


SITE: dict[str, Answer | Answerer] = {
    "/login": page("<form><input name=q></form>" + FORM, "Set-Cookie: first=1"),
    "/check?x=1": check,
}


def members(asked: Asked) -> Answer:
    return page(b"<title>members</title>") if "sid=77" in asked.headers.get("cookie", "") else redirect("/login")


def test_the_form_is_sent_with_its_hidden_fields_and_the_crawl_is_logged_in() -> None:
    with running({**SITE, "/home": members}) as site:
        report = crawl(site, "/home", login="/login", form=FIELDS)
        posted = next(asked for asked in site.asked if asked.method == "POST")
        assert posted.headers["origin"] == site.url
        assert posted.headers["referer"] == f"{site.url}/login"
    assert report.logged_in_at == "/home"
    facts = report.crawl.pages[0].facts
    assert facts is not None
    assert facts.title == "members"


def test_a_wrong_password_is_told() -> None:
    with running(SITE) as site, pytest.raises(LoginError, match="shows the login form again"):
        crawl(site, "/", login="/login", form=(("user", "ann"), ("pw", "wrong")))


def test_a_form_without_such_fields_names_those_it_has() -> None:
    with running(SITE) as site, pytest.raises(LoginError, match="fields there: __VIEWSTATE, go, pw, q, user"):
        crawl(site, "/", login="/login", form=(("name", "ann"),))


def test_no_form_at_all_is_told() -> None:
    with (
        running({"/login": page("<div id=app></div>")}) as site,
        pytest.raises(LoginError, match="no form in the page"),
    ):
        crawl(site, "/", login="/login", form=FIELDS)


def test_passwords_go_to_no_other_origin() -> None:
    with running({"*": page()}) as other:
        forms = {
            "/action": page(FORM.replace("/check?x=1", f"{other.url}/steal")),
            "/base": page(f"<base href='{other.url}/'>" + FORM.replace("/check?x=1", "steal")),
            "/moved": redirect(f"{other.url}/login"),
        }
        with running(forms) as site:
            for target in forms:
                with pytest.raises(LoginError, match="another origin"):
                    crawl(site, "/", login=target, form=FIELDS)
        assert other.asked == []


def test_forms_with_get_and_multipart_are_sent_their_way() -> None:
    multipart = page(
        "<form method=post action=/in enctype=multipart/form-data><input name='us\"er'><input type=password name=pw></form>"
    )
    answers = {
        "/get": page("<form action=/in><input name=user><input type=password name=pw></form>"),
        "/multi": multipart,
        "/in": page("in"),
    }
    with running(answers) as site:
        crawl(site, "/", login="/get", form=FIELDS)
        assert "/in?user=ann&pw=s%26cret+%C3%BC" in site.targets()
        crawl(site, "/", login="/multi", form=(('us"er', "ann"), ("pw", "x")))
        posted = next(asked for asked in site.asked if asked.method == "POST")
    assert posted.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="us%22er"\r\n\r\nann\r\n' in posted.body


@pytest.mark.parametrize("answer", [page("no", status="403 Forbidden"), page("oops", status="500 Oops")])
def test_an_error_after_the_login_is_told(answer: bytes) -> None:
    with running({"/login": page(FORM), "/check?x=1": answer}) as site, pytest.raises(LoginError, match="status"):
        crawl(site, "/", login="/login", form=FIELDS)


def test_endless_redirects_after_the_login_end() -> None:
    answers = {"/login": page(FORM), "/check?x=1": redirect("/a"), "/a": redirect("/a")}
    with running(answers) as site, pytest.raises(LoginError, match="redirects"):
        crawl(site, "/", login="/login", form=FIELDS)
