"""Who is asking: the request together with its session, and the checks every page shares."""

from __future__ import annotations

import hmac

from demo_app.wsgi.content import Content
from demo_app.wsgi.http import HttpError, Request, Response, redirect
from demo_app.wsgi.layout import Layout
from demo_app.wsgi.store import Attempt, Session, Store

SESSION_COOKIE = "EXAMSESS"
EXPIRED = "=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0"


class LoginNeeded(Exception):
    """Turned into a redirect to the login."""


class Visitor:
    def __init__(self, request: Request, store: Store, content: Content) -> None:
        self.request = request
        self.store = store
        self.content = content
        self.layout = Layout(content)
        self.session = store.read_session(request.cookie(SESSION_COOKIE))

    def begin_session(self) -> list[tuple[str, str]]:
        """Makes sure there is a session; the headers to send when it is a new one."""
        if self.session is not None:
            return []
        self.session = self.store.new_session()
        return [session_cookie(self.session)]

    def candidate(self) -> tuple[str, Session]:
        if self.session is None or self.session.candidate is None:
            raise LoginNeeded
        return self.session.candidate, self.session

    def attempt(self, attempt_id: str) -> tuple[Attempt, Session]:
        """The attempt of the address, if it is the candidate's own."""
        candidate, session = self.candidate()
        attempt = self.store.read_attempt(attempt_id)
        if attempt is None:
            raise HttpError(404, "Attempt not found", "There is no such examination attempt.")
        if attempt.candidate != candidate:
            raise HttpError(403, "Not your attempt", "This examination attempt belongs to another candidate.")
        return attempt, session

    def check_csrf(self) -> None:
        sent = self.request.field("csrf").encode()
        if self.session is None or not hmac.compare_digest(self.session.csrf.encode(), sent):
            raise HttpError(
                403,
                "This form has expired",
                "The form does not belong to your session. Go back, reload the page and send it again. Your saved answers are not affected.",
            )

    def log_in(self, candidate: str, name: str) -> Response:
        if self.session is not None:
            self.store.drop_session(self.session)
        self.session = self.store.new_session(candidate, name)
        return redirect(
            "/exams", [session_cookie(self.session), ("Set-Cookie", f"uid={candidate}; Path=/; SameSite=Lax")]
        )

    def log_out(self) -> Response:
        if self.session is not None:
            self.store.drop_session(self.session)
        return redirect("/login", [("Set-Cookie", SESSION_COOKIE + EXPIRED), ("Set-Cookie", "uid" + EXPIRED)])


def session_cookie(session: Session) -> tuple[str, str]:
    return "Set-Cookie", f"{SESSION_COOKIE}={session.id}; Path=/; HttpOnly; SameSite=Lax"
