"""The demo's JSP site on Tomcat 10, with a CATALINA_BASE of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from demo_app import tomcat
from tests.e2e.installation import ROOT, free_port

from .harness import Server

SITE = ROOT / "demo_app" / "jsp"


class Tomcat:
    """The site as it is; or, ``cookies=False``, as Tomcat serves it to browsers without cookies: ``;jsessionid=…`` in every address."""

    def __init__(self, *, cookies: bool = True) -> None:
        self.cookies = cookies
        self.name = "tomcat" if cookies else "tomcat-rewriting"
        self.state = Path()
        self._server: Server | None = None

    def why_not(self) -> str | None:
        return None if tomcat.is_installed() else "tomcat10 is not installed"

    def start(self, folder: Path) -> str:
        site = SITE
        if not self.cookies:
            site = folder / "site"
            shutil.copytree(SITE, site)
            rewrite_addresses(site / "WEB-INF" / "web.xml")
        port = free_port()
        argv, env = tomcat.prepare(folder / "base", port, site=site)
        self.state = folder / "state"
        self._server = Server(argv, folder / "tomcat.log", {**env, "DEMO_STATE": str(self.state)})
        url = f"http://127.0.0.1:{port}"
        self._server.wait_answers(f"{url}/login")
        return url

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()


def rewrite_addresses(web_xml: Path) -> None:
    """As a site's own administrator would write it into web.xml."""
    text = web_xml.read_text("utf-8")
    changed = text.replace("</cookie-config>", "</cookie-config>\n    <tracking-mode>URL</tracking-mode>")
    assert changed != text
    web_xml.write_text(changed, "utf-8")
