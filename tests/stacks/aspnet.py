"""ASP.NET WebForms: Mono's FastCGI server behind nginx, and a candidate who uses the site's server controls."""

from __future__ import annotations

import os
import re
import shutil
import socket
from pathlib import Path

from tests.e2e.browser import Candidate
from tests.e2e.installation import ROOT, free_port

from .harness import Server

SITE = ROOT / "demo_app" / "aspnet"
ANSWERED = ["b", "a", "answer 3", "Not answered", "Not answered"]
"""What `sit` answers, as the review page lists it."""

NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
{user}
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {site};
        location / {{
            include /etc/nginx/fastcgi_params;
            fastcgi_index Default.aspx;
            fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
            fastcgi_param PATH_INFO "";
            fastcgi_buffering off;
            fastcgi_pass 127.0.0.1:{mono};
        }}
    }}
}}
"""


class AspNet:
    """The site with its sessions in a cookie, or with ``cookieless`` in the path: ``/(S(…))/Exam/Take.aspx``."""

    def __init__(self, *, cookieless: bool = False) -> None:
        self.cookieless = cookieless
        self.name = "aspnet-cookieless" if cookieless else "aspnet"
        self._servers: list[Server] = []

    def why_not(self) -> str | None:
        for program, package in (
            ("fastcgi-mono-server4", "mono-fastcgi-server4"),
            ("mcs", "mono-mcs"),
            ("nginx", "nginx-light"),
        ):
            if find_program(program) is None:
                return f"{package} is not installed"
        return None

    def start(self, folder: Path) -> str:
        # Mono compiles the pages at their first request and writes nothing below the site.
        site = folder / "site"
        shutil.copytree(SITE, site)
        shutil.copytree(ROOT / "demo_app" / "content", folder / "content")
        if self.cookieless:
            web_config = site / "Web.config"
            text = web_config.read_text()
            assert 'cookieless="UseCookies"' in text
            web_config.write_text(text.replace('cookieless="UseCookies"', 'cookieless="UseUri"'))
        mono, port = free_port(), free_port()
        self._start_mono(folder, site, mono)
        user = "user root;" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, user=user, site=site, port=port, mono=mono))
        nginx = find_program("nginx")
        assert nginx is not None
        server = Server([nginx, "-e", f"{folder}/nginx-error.log", "-c", str(config)], folder / "nginx.log")
        self._servers.append(server)
        url = f"http://127.0.0.1:{port}"
        server.wait_answers(f"{url}/Login.aspx")
        return url

    def _start_mono(self, folder: Path, site: Path, port: int) -> None:
        program = find_program("fastcgi-mono-server4")
        assert program is not None
        temporary = folder / "tmp"
        temporary.mkdir()
        argv = [program, f"/applications=/:{site}", f"/socket=tcp:127.0.0.1:{port}"]
        # Its compiler's output and its registry of classes go where the test's files go.
        server = Server(argv, folder / "mono.log", env={"TMPDIR": str(temporary), "MONO_REGISTRY_PATH": str(temporary)})
        self._servers.append(server)
        server.wait_ready(lambda: _listens(port), "fastcgi-mono-server4")

    def stop(self) -> None:
        while self._servers:
            self._servers.pop().stop()


class AspNetCandidate(Candidate):
    """Somebody whose every click is a postback of the page's one form."""

    def log_in(self) -> None:
        self.page.goto(f"{self.url}/Login.aspx")
        self.page.get_by_label("Name", exact=True).fill("Alice Weber")
        self.page.get_by_label("Password").fill("maple-41")
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/Exams.aspx")

    def start_exam(self) -> None:
        self.page.get_by_role("link", name="Start exam").click()
        self.page.wait_for_url(re.compile(r"/Exam/Instructions\.aspx"))
        match = re.search(r"attempt=([0-9a-f]{32})", self.page.url)
        assert match
        self.attempt = match[1]

    def wait_exam(self, path: str) -> None:
        """``path``: the page's name without its ending, and what else its query says: ``Take&q=1``."""
        name, _, rest = path.partition("&")
        expected = rf"/Exam/{name}\.aspx\?attempt={self.attempt}" + (f"&{rest}$" if rest else "$")
        self.page.wait_for_function(
            "source => { const f = document.getElementById('proview-frame');"
            " const w = f ? f.contentWindow : window; return new RegExp(source).test(w.location.pathname + w.location.search)"
            " && w.document.readyState === 'complete' }",
            arg=expected,
        )

    def begin(self) -> None:
        self.wait_exam("Instructions")
        self.exam.get_by_role("button", name="Begin").click()
        self.wait_exam("Take&q=1")

    def answer(self, number: int) -> None:
        self.wait_exam(f"Take&q={number}")
        exam = self.exam
        if number == 1:
            exam.get_by_label("The median").check()
        elif number == 2:
            exam.get_by_label("Time until the next bus arrives").check()
            # A partial postback: the page stays, its panel is answered by the delta of an UpdatePanel.
            exam.get_by_role("button", name="Save draft").click()
            exam.get_by_text("Draft saved: a").wait_for()
        else:
            exam.get_by_role("textbox").fill(f"answer {number}")
        exam.get_by_role("button", name="Next").click()
        self.wait_exam(f"Take&q={number + 1}" if number < 5 else "Review")

    def hand_in(self) -> None:
        self.exam.evaluate(f"location.href = 'Review.aspx?attempt={self.attempt}'")
        self.wait_exam("Review")
        assert self.exam.get_by_role("listitem").all_inner_texts() == ANSWERED
        self.exam.get_by_role("button", name="Finish examination").click()
        self.wait_exam("Done")


def find_program(name: str) -> str | None:
    """Also in the places for administrators, which are not on everybody's path."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
