"""What a browser and its user do with the exam site, over real HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from bs4 import BeautifulSoup, Tag

TIMEOUT_S = 30
ANSWERS: list[dict[str, Any]] = [
    {"answer": "b"},
    {"answer[]": ["a", "c"]},
    {"answer": "type one error"},
    {"answer": "No control group.\r\nRandomise."},
    {"answer": "1,5"},
]
SAVED = {"1": "b", "2": ["a", "c"], "3": "type one error", "4": "No control group.\nRandomise.", "5": "1,5"}


@dataclass(frozen=True)
class Site:
    kind: str
    url: str
    state: Path


class Visitor:
    """One browser with its cookies. Redirects are followed only where a test asks for it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = requests.Session()
        self.http.trust_env = False

    def get(self, path: str, follow: bool = False, **options: Any) -> requests.Response:
        return self.http.get(self.site.url + path, allow_redirects=follow, timeout=TIMEOUT_S, **options)

    def post(self, path: str, fields: dict[str, Any], follow: bool = False, **options: Any) -> requests.Response:
        return self.http.post(self.site.url + path, data=fields, allow_redirects=follow, timeout=TIMEOUT_S, **options)

    def csrf(self, path: str) -> str:
        field = page(self.get(path)).select_one("input[name=csrf]")
        assert field is not None
        return str(field["value"])

    def send_form(self, path: str, fields: dict[str, Any], **options: Any) -> requests.Response:
        return self.post(path, {"csrf": self.csrf(path), **fields}, **options)

    def log_in(self, name: str = "", password: str = "") -> requests.Response:
        """As the first candidate of the list unless told otherwise."""
        return self.send_form("/login", {"name": name or "Alice Weber", "password": password or "maple-41"})

    def start(self) -> str:
        """Starts an attempt and returns its base path."""
        answer = self.send_form("/exams", {"exam": "stat201"})
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"].removesuffix("/instructions")

    def upload(self, base: str, name: str, data: bytes, csrf: str | None = None) -> requests.Response:
        token = self.csrf(f"{base}/upload") if csrf is None else csrf
        return self.post(f"{base}/upload", {"csrf": token}, files={"file": (name, data)})

    def answers(self, base: str) -> dict[str, Any]:
        record: dict[str, Any] = self.get(f"{base}/answers.json").json()
        return record

    def finish(self, base: str) -> requests.Response:
        return self.post(f"{base}/finish", {"csrf": self.csrf(f"{base}/review")})


def page(response: requests.Response) -> BeautifulSoup:
    assert response.headers["Content-Type"].replace("; ", ";").lower() == "text/html;charset=utf-8"
    return BeautifulSoup(response.text, "html.parser")


def element(response: requests.Response, selector: str) -> Tag:
    found = page(response).select_one(selector)
    assert found is not None, selector
    return found
