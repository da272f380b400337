"""An examination site as a Django project in one file: ``demo_app.django_exam:application``.

Everything that Django's own templates for new projects switch on is on: CSRF, sessions, ``X-Frame-Options: DENY``,
``Cross-Origin-Opener-Policy: same-origin``; and compression and conditional GET on top. It knows nothing of proctoring.

Any WSGI server carries it: ``DEMO_SECRET_KEY=… gunicorn demo_app.django_exam:application``. Sessions are files below ``DEMO_STATE``.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from functools import wraps
from pathlib import Path
from typing import Any, Protocol

import django  # type: ignore[import-untyped]
from django.conf import settings  # type: ignore[import-untyped]
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]
from django.http import (  # type: ignore[import-untyped]
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render  # type: ignore[import-untyped]
from django.urls import path  # type: ignore[import-untyped]

from demo_app.wsgi.content import load_content

CONTENT = load_content()
STATE = Path(os.environ.get("DEMO_STATE") or tempfile.gettempdir())

TEMPLATES = {
    "base.html": """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{% block title %}{% endblock %} &#183; {{ university }}</title>
<meta name="viewport" content="width=device-width">
</head>
<body>
<h1>{% block heading %}{% endblock %}</h1>
{% block body %}{% endblock %}
</body>
</html>
""",
    "login.html": """{% extends "base.html" %}{% block title %}Log in{% endblock %}{% block heading %}Log in{% endblock %}
{% block body %}{% if failed %}<p>Name or password is wrong.</p>{% endif %}
<form method="post">{% csrf_token %}
<p><label for="name">Name</label> <input id="name" name="name"></p>
<p><label for="password">Password</label> <input id="password" name="password" type="password"></p>
<button>Log in</button></form>{% endblock %}""",
    "exams.html": """{% extends "base.html" %}{% block title %}Examinations{% endblock %}{% block heading %}Your examinations{% endblock %}
{% block body %}<p>{{ exam.title }}</p><form method="post">{% csrf_token %}<button>Start exam</button></form>{% endblock %}""",
    "instructions.html": """{% extends "base.html" %}{% block title %}Instructions{% endblock %}{% block heading %}Instructions{% endblock %}
{% block body %}<p>You have {{ exam.minutes }} minutes. Each answer is saved when you press Next.</p>
<form action="q/1"><button>Begin</button></form>{% endblock %}""",
    "question.html": """{% extends "base.html" %}{% block title %}Question {{ number }}{% endblock %}{% block heading %}{{ question.title }}{% endblock %}
{% block body %}<p>{{ question.text }}</p><form method="post">{% csrf_token %}
{% for key, label in question.options.items %}<p><label><input type="{% if question.kind == "single" %}radio{% else %}checkbox{% endif %}"
 name="answer" value="{{ key }}"{% if key in saved %} checked{% endif %}> {{ label }}</label></p>
{% empty %}<p><textarea name="answer">{{ saved }}</textarea></p>{% endfor %}<button>Next</button></form>{% endblock %}""",
    "review.html": """{% extends "base.html" %}{% block title %}Review{% endblock %}{% block heading %}Review{% endblock %}
{% block body %}<p>{{ answers|length }} questions answered.</p>
<form method="post" action="finish">{% csrf_token %}<button>Finish examination</button></form>{% endblock %}""",
    "done.html": """{% extends "base.html" %}{% block title %}Handed in{% endblock %}{% block heading %}Thank you{% endblock %}
{% block body %}<p>Your examination was handed in.</p>{% endblock %}""",
}


class View(Protocol):
    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any: ...


def page(request: HttpRequest, template: str, **values: Any) -> HttpResponse:
    return render(request, template, {"university": CONTENT.university, "exam": CONTENT.exam, **values})


def with_attempt(view: View) -> View:
    """The candidate's own attempt as the view's second argument; to the login without one."""

    @wraps(view)
    def checked(request: HttpRequest, attempt: str, **values: Any) -> Any:
        if "uid" not in request.session:
            return redirect("/login")
        kept = request.session.get("attempts", {}).get(attempt)
        if kept is None:
            raise Http404("There is no such attempt.")
        return view(request, kept, **values)

    return checked


def login(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return page(request, "login.html")
    for candidate in CONTENT.candidates:
        if (candidate.name, candidate.password) == (request.POST.get("name"), request.POST.get("password")):
            request.session.cycle_key()
            request.session["uid"] = candidate.id
            answer = redirect("/exams")
            answer.set_cookie("uid", candidate.id, httponly=True, samesite="Lax")
            return answer
    return page(request, "login.html", failed=True)


def exams(request: HttpRequest) -> HttpResponse:
    if "uid" not in request.session:
        return redirect("/login")
    if request.method != "POST":
        return page(request, "exams.html")
    attempt = secrets.token_hex(16)
    request.session.setdefault("attempts", {})[attempt] = {"answers": {}, "submitted": False}
    request.session.modified = True
    return redirect(f"/exam/{attempt}/instructions")


@with_attempt
def instructions(request: HttpRequest, kept: dict[str, Any]) -> HttpResponse:
    return page(request, "instructions.html")


@with_attempt
def question(request: HttpRequest, kept: dict[str, Any], number: int) -> HttpResponse:
    if not 1 <= number <= len(CONTENT.questions):
        raise Http404("There is no such question.")
    asked = CONTENT.questions[number - 1]
    if request.method != "POST":
        saved = kept["answers"].get(str(number), "")
        return page(request, "question.html", number=number, question=asked, saved=saved)
    given = request.POST.getlist("answer")
    if given and not kept["submitted"]:
        kept["answers"][str(number)] = given if asked.kind == "multiple" else given[0]
        request.session.modified = True
    return redirect(f"./{number + 1}" if number < len(CONTENT.questions) else "../review")


@with_attempt
def review(request: HttpRequest, kept: dict[str, Any]) -> HttpResponse:
    return page(request, "review.html", answers=kept["answers"])


@with_attempt
def finish(request: HttpRequest, kept: dict[str, Any]) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    kept["submitted"] = True
    request.session.modified = True
    return redirect("./done")


@with_attempt
def done(request: HttpRequest, kept: dict[str, Any]) -> HttpResponse:
    return page(request, "done.html")


@with_attempt
def answers(request: HttpRequest, kept: dict[str, Any]) -> HttpResponse:
    return JsonResponse(kept)


@with_attempt
def progress(request: HttpRequest, kept: dict[str, Any]) -> StreamingHttpResponse:
    """A page that is made while it is sent; GZipMiddleware compresses it piece by piece."""

    def pieces() -> Iterator[str]:
        yield "<!doctype html><html><head><meta charset=utf-8><title>Progress</title></head><body><ol>"
        for number in range(1, len(CONTENT.questions) + 1):
            yield f"<li>{'answered' if str(number) in kept['answers'] else 'open'}</li>"
        yield "</ol></body></html>"

    return StreamingHttpResponse(pieces())


@with_attempt
def sheet(request: HttpRequest, kept: dict[str, Any]) -> FileResponse:
    """HTML to keep, not to show."""
    return FileResponse(open(__file__, "rb"), as_attachment=True, filename="formulas.html")


ATTEMPT = "exam/<str:attempt>/"
urlpatterns = [
    path("login", login),
    path("exams", exams),
    path(ATTEMPT + "instructions", instructions),
    path(ATTEMPT + "q/<int:number>", question),
    path(ATTEMPT + "review", review),
    path(ATTEMPT + "finish", finish),
    path(ATTEMPT + "done", done),
    path(ATTEMPT + "answers.json", answers),
    path(ATTEMPT + "progress", progress),
    path(ATTEMPT + "sheet", sheet),
]


def configure() -> None:
    """What ``settings.py`` of a project is."""
    if settings.configured:
        return
    settings.configure(
        SECRET_KEY=os.environ.get("DEMO_SECRET_KEY") or secrets.token_hex(32),
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"stderr": {"class": "logging.StreamHandler"}},
            "loggers": {"django": {"handlers": ["stderr"], "level": "ERROR"}},
        },
        INSTALLED_APPS=["django.contrib.sessions"],
        SESSION_ENGINE="django.contrib.sessions.backends.file",
        SESSION_FILE_PATH=str(STATE),
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.gzip.GZipMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)]},
            }
        ],
    )
    django.setup()


configure()
application = get_wsgi_application()
