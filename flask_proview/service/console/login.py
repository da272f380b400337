"""Log in and out. A new cookie at every login (no fixation), the same answer for an unknown name and a wrong password."""

from __future__ import annotations

from flask import make_response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.service.runtime import Runtime

from .gate import Gate, Visitor
from .local_path import local_next
from .pages import Pages
from .throttle import LoginThrottle

MAX_PASSWORD_LENGTH = 1024
WRONG = "The name or the password is not right."


def register(pages: Pages, runtime: Runtime, gate: Gate) -> None:
    """``M/console/login`` and ``M/console/logout``."""
    throttle = LoginThrottle(runtime.config.server.workers)
    start = f"{pages.mount}/console/"

    def form(status: int = 200, *, message: str = "", name: str = "") -> BaseResponse:
        wanted = local_next(pages.mount, request.values.get("next"))
        return pages.render("proview/login.html", None, status, message=message, name=name, next=wanted)

    @pages.public("/login", "login", methods=("GET", "POST"))
    def login() -> BaseResponse:
        wanted = local_next(pages.mount, request.values.get("next"))
        if request.method != "POST":
            return redirect(wanted, 303) if gate.visitor() is not None else form()
        # Without a login there is no CSRF token yet; the Origin keeps others from logging somebody in as themselves.
        gate.require_own_origin()
        name = request.form.get("name", "").replace("\0", "").strip()[:80]
        password = request.form.get("password", "")
        address = runtime.forwarded.address(request.environ)
        wait_s = max(throttle.wait_s(name, address), runtime.address_quota.take(("console", address)))
        if wait_s > 0:
            response = form(429, message=f"Too many attempts. Try again in {_wait(wait_s)}.", name=name)
            response.headers["Retry-After"] = str(int(wait_s) + 1)
            return response
        user = runtime.users.verify(name, password) if 0 < len(password) <= MAX_PASSWORD_LENGTH and name else None
        if user is None:
            throttle.failed(name, address)
            return form(401, message=WRONG, name=name)
        throttle.succeeded(name, address)
        previous = gate.cookie_value()
        if previous:
            runtime.logins.close(previous)
        value, _login = runtime.logins.open(user, address)
        response = make_response(redirect(wanted, 303))
        gate.set_cookie(response, value)
        return response

    @pages.route("/logout", "logout", methods=("POST",))
    def logout(_visitor: Visitor) -> BaseResponse:
        value = gate.cookie_value()
        if value:
            runtime.logins.close(value)
        response = make_response(redirect(f"{start}login", 303))
        gate.clear_cookie(response)
        # Pages of the console must not come back with the back button on a shared machine.
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


def _wait(seconds: float) -> str:
    whole = int(seconds) + 1
    return f"{whole} seconds" if whole < 90 else f"{(whole + 59) // 60} minutes"
