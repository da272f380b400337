"""``proview check --url``: asks a running installation, through everything that stands in front of it, what it can.

What must be refused is asked for without rights (a session that does not exist). What only the service can know (who
seems to ask, under which address, whether bodies come through whole) it tells to who holds the signing keys.
"""

from __future__ import annotations

import base64
import email.utils
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask_proview.config import Config
from flask_proview.middleware.page_origin import PageOrigins
from flask_proview.origins import Origin
from flask_proview.service.loader import STATIC, read_static
from flask_proview.tokens import Kind, TokenSigner

from .bodies import body_findings
from .certificate import certificate_findings
from .client import Answer, Client, FetchError
from .decoding import decoded_body
from .findings import Finding, Level
from .handshake import NIL, Handshake, Socket, error_code, try_socket
from .server_words import in_plain_words

CLOCK_S = 5
STEP_GAP_S = 0.5
_LOCAL = ("127.", "localhost", "[::1]")
Findings = Iterator[Finding]


@dataclass(slots=True)
class ServerFacts:
    """What was found, for programs; None: could not be found out."""

    reachable: bool = False
    mounted: bool = False
    websocket: str | None = None
    signaling: str | None = None
    server: dict[str, Any] | None = None
    seen: dict[str, Any] | None = None
    keys_accepted: bool | None = None
    upload: str | None = None
    digest: str | None = None
    streaming: str | None = None
    chunked: str | None = None
    continues: bool | None = None
    clock_difference_s: float | None = None
    ready: dict[str, Any] | None = None
    findings: list[Finding] = field(default_factory=list)


class ServerCheck:
    """One look at one address."""

    def __init__(self, config: Config, client: Client) -> None:
        self._config = config
        self._client = client
        self._mount = config.server.mount
        self._signer = TokenSigner(config.secrets.keys)
        self.facts = ServerFacts()
        self._handshake: Handshake | None = None

    def run(self) -> ServerFacts:
        """All probes, in the order in which one makes the next possible."""
        found = self.facts.findings
        found += certificate_findings(self._client)
        found += self._reach()
        if self.facts.reachable:
            found += self._secure()
            found += self._loader()
        if self.facts.mounted:
            for probe in (
                self._health,
                self._arrival,
                self._upload,
                self._bodies,
                self._streaming,
                self._socket,
                self._metrics,
            ):
                found += probe()
            found += in_plain_words(self._config, self.facts)
        return self.facts

    def _ask(self, method: str, path: str, headers: list[tuple[str, str]] | None = None, body: bytes = b"") -> Answer:
        lines = [("User-Agent", "proview-check"), ("Accept", "*/*"), *(headers or [])]
        return self._client.ask(method, self._mount + path, lines, body)

    def _authorized(self) -> list[tuple[str, str]]:
        return [("X-Proview-Token", self._signer.issue(Kind.CHECK, {}, 60))]

    def _reach(self) -> Findings:
        """Whether anybody answers, and whether that is us."""
        try:
            answer = self._ask("GET", f"/v1/sessions/{NIL}")
        except FetchError as error:
            yield Finding(Level.ERROR, "connection", str(error))
            return
        self.facts.reachable = True
        code = code_of(answer)
        if code == "host_unknown":
            yield Finding(
                Level.ERROR,
                "host",
                f"the service does not answer under {self._client.host_header}: set server.public_url to this address,"
                " list it in an account's domains, and let front servers hand on the Host header",
            )
        elif code is None:
            who = answer.get("server") or "another server"
            yield Finding(
                Level.ERROR,
                "mount",
                f"{self._mount}/ is not ours there: {who} answers {answer.status}; send {self._mount}/ to proview",
            )
        else:
            self.facts.mounted = True
            yield Finding(Level.OK, "mount", f"the service answers below {self._mount}/")
        yield from self._clock(answer)

    def _clock(self, answer: Answer) -> Findings:
        date = answer.get("date")
        try:
            theirs = email.utils.parsedate_to_datetime(date or "").timestamp()
        except (ValueError, TypeError):
            return
        # The header has whole seconds: half of one is lost on average.
        difference = theirs + 0.5 - time.time()
        self.facts.clock_difference_s = round(difference, 1)
        if abs(difference) > CLOCK_S:
            yield Finding(
                Level.WARNING,
                "clock",
                f"the server's clock is {abs(difference):.0f} s {'ahead of' if difference > 0 else 'behind'} this machine's; tokens"
                " and recordings carry its time, so let both keep time (NTP)",
            )
        else:
            yield Finding(Level.OK, "clock", "agrees with this machine's")

    def _secure(self) -> Findings:
        origin = self._client.origin
        if origin.scheme == "http" and not self._is_local():
            yield Finding(
                Level.ERROR, "https", f"{origin} is not a secure context: browsers give no camera to plain http pages"
            )

    def _loader(self) -> Findings:
        """Whether browsers get our code as we send it, or what a cache or optimizer made of it."""
        try:
            answer = self._ask("GET", "/init.js", [("Accept-Encoding", "gzip")])
        except FetchError as error:
            yield Finding(Level.ERROR, "loader", f"{self._mount}/init.js: {error}")
            return
        encoding = answer.get("content-encoding") or ""
        body = decoded_body(answer.body, encoding, self._client.bounds.body_bytes)
        ours = {name: file.body for name, file in read_static(STATIC)}["init.js"]
        if answer.status != 200 or "javascript" not in (answer.get("content-type") or ""):
            yield Finding(
                Level.ERROR,
                "loader",
                f"{self._mount}/init.js is answered with {answer.status} {answer.get('content-type') or ''}",
            )
            return
        if body != ours:
            yield Finding(
                Level.WARNING,
                "loader",
                f"{self._mount}/init.js is not what this version ships: another version runs there, or something in between"
                " changes scripts (minifying, rewriting); switch that off for it",
            )
        else:
            yield Finding(
                Level.OK, "loader", f"init.js arrives unchanged, {'compressed' if encoding else 'uncompressed'}"
            )
        traces = [
            f"{name}: {answer.get(name)}" for name in ("age", "x-cache", "cf-cache-status", "via") if answer.get(name)
        ]
        if traces:
            yield Finding(Level.OK, "cache", f"a cache or proxy says so in the answer ({', '.join(traces)})")

    def _health(self) -> Findings:
        """What this server says of itself; to the machine it runs on and to trusted proxies only."""
        for path, name in (("/healthz", "server"), ("/readyz", "ready")):
            try:
                answer = self._ask("GET", path)
                told = json.loads(answer.body)
            except (FetchError, ValueError):
                continue
            if isinstance(told, dict) and "status" in told and answer.status in (200, 503):
                setattr(self.facts, name, told)
        ready = self.facts.ready
        if ready is None:
            yield Finding(
                Level.OK, "health", "healthz and readyz are not told to this machine, as it should be from outside"
            )
        elif ready.get("status") == "ok":
            yield Finding(Level.OK, "health", "database and storage are ready")
        else:
            bad = [f"{name}: {ready.get(name)}" for name in ("database", "storage") if ready.get(name) != "ok"]
            yield Finding(Level.ERROR, "health", f"sessions cannot be recorded: {'; '.join(bad)}")

    def _arrival(self) -> Findings:
        """Under which address the service believes to be asked."""
        try:
            answer = self._ask("GET", "/v1/check", self._authorized())
            told = json.loads(answer.body)
        except (FetchError, ValueError):
            return
        if not (isinstance(told, dict) and isinstance(told.get("seen"), dict) and answer.status == 200):
            self.facts.keys_accepted = False
            reason = "refuses this configuration's signing keys" if answer.status == 401 else f"answers {answer.status}"
            yield Finding(
                Level.WARNING,
                "keys",
                f"the server {reason}; what it sees of requests cannot be told: use -c with its own configuration",
            )
            return
        self.facts.keys_accepted = True
        self.facts.seen = told["seen"]
        if self.facts.server is None and isinstance(told.get("server"), dict):
            self.facts.server = told["server"]
        yield from self._address(told["seen"])

    def _address(self, seen: dict[str, Any]) -> Findings:
        told = seen.get("headers")
        headers = {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}
        environ = {
            "wsgi.url_scheme": str(seen.get("scheme")),
            "REMOTE_ADDR": str(seen.get("peer")),
            "HTTP_HOST": headers.get("Host", ""),
        }
        for name in ("X-Forwarded-Proto", "X-Forwarded-Host"):
            if name in headers:
                environ["HTTP_" + name.upper().replace("-", "_")] = headers[name]
        pages, _ = PageOrigins(self._config).of(environ)
        asked = self._client.origin
        if pages == asked:
            yield Finding(Level.OK, "address", f"the service sees requests for {asked}, from {seen.get('address')}")
        else:
            forwarded = [
                f"{name}: {headers[name]}"
                for name in ("Host", "X-Forwarded-Proto", "X-Forwarded-Host")
                if name in headers
            ]
            yield Finding(
                Level.ERROR,
                "address",
                f"the service takes requests for {asked} to be for {pages or 'no host'} ({', '.join(forwarded)}; peer"
                f" {seen.get('peer')}, {'trusted' if seen.get('trusted') else 'not trusted'}): set server.public_url, or let the front"
                " server send X-Forwarded-Proto and Host and list its address in server.trusted_proxies",
            )
        public = self._config.public_origin
        if public is not None and public != asked:
            yield Finding(Level.WARNING, "public_url", f"server.public_url is {public}, but {asked} was asked")
        if "X-Forwarded-For" in headers and not seen.get("trusted"):
            yield Finding(
                Level.WARNING,
                "proxies",
                f"a proxy at {seen.get('peer')} is not in server.trusted_proxies: all candidates seem to have its address, and share its limits",
            )

    def _upload(self) -> Findings:
        """A piece of the largest size, to be refused by us and by nobody before us."""
        size = self._config.limits.max_piece_mb << 20
        body = bytes(size)
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
        headers = [
            ("Content-Type", "video/webm"),
            ("Content-Digest", f"sha-256=:{digest}:"),
            ("X-Piece-Start", "0"),
            ("X-Piece-Duration", "1000"),
        ]
        path = "/v1/check"
        if self.facts.keys_accepted:
            headers += self._authorized()
        else:
            path = f"/v1/sessions/{NIL}/tracks/camera/runs/0/pieces/0"
        try:
            answer = self._ask("PUT", path, headers, body)
        except FetchError as error:
            self.facts.upload = "failed"
            yield Finding(Level.ERROR, "upload", f"a PUT of {size >> 20} MiB: {error}")
            return
        code = code_of(answer)
        told = _object(answer) if answer.status == 200 else {}
        if isinstance(told.get("body"), dict):
            self.facts.upload = "whole" if told["body"].get("bytes") == size else "cut"
            self.facts.digest = told["body"].get("digest")
            if self.facts.upload == "whole" and self.facts.digest == "same":
                yield Finding(Level.OK, "upload", f"a PUT of {size >> 20} MiB with Content-Digest arrives whole")
            else:
                yield Finding(
                    Level.ERROR,
                    "upload",
                    f"of {size} bytes {told['body'].get('bytes')} arrived, digest {self.facts.digest}",
                )
        elif code is not None:
            self.facts.upload = "refused by us"
            lost = self.facts.keys_accepted or code in ("digest_missing", "digest_invalid")
            yield Finding(
                Level.ERROR if lost else Level.OK, "upload",
                "something in between drops the Content-Digest header" if lost
                else f"a PUT of {size >> 20} MiB is let through to the service (which refuses it: {code})",
            )  # fmt: skip
        else:
            self.facts.upload = f"refused with {answer.status}"
            hint = "; raise its limit for request bodies (nginx: client_max_body_size)" if answer.status == 413 else ""
            who = answer.get("server") or "something in between"
            yield Finding(Level.ERROR, "upload", f"{who} refuses a PUT of {size >> 20} MiB with {answer.status}{hint}")

    def _bodies(self) -> Findings:
        if self.facts.keys_accepted:
            yield from body_findings(self._client, self._mount + "/v1/check", self._authorized(), self.facts)

    def _streaming(self) -> Findings:
        """Whether an answer in two steps arrives in two steps."""
        if not self.facts.keys_accepted:
            return
        try:
            answer = self._ask("GET", "/v1/check?steps=2", self._authorized())
        except FetchError as error:
            self.facts.streaming = "failed"
            yield Finding(Level.WARNING, "streaming", f"an answer in two steps: {error}")
            return
        gap = answer.seconds - answer.first_s
        self.facts.streaming = "at once" if gap > STEP_GAP_S else "buffered"
        if gap > STEP_GAP_S:
            yield Finding(Level.OK, "streaming", "answers arrive as they are written")
        else:
            yield Finding(
                Level.WARNING,
                "streaming",
                "answers are held until they are complete: pages that are written slowly appear late, and the application's event"
                " streams do not work (nginx: proxy_buffering off)",
            )

    def _socket(self) -> Findings:
        self._handshake = tried = try_socket(self._client, self._mount, page_origin(self._config, self._client.origin))
        self.facts.websocket = tried.outcome.value
        words = {
            Socket.WORKS: "open, in both directions",
            Socket.REFUSED: "not offered by this WSGI server",
            Socket.SWALLOWED: "a proxy in between drops the upgrade; let it pass Upgrade and Connection (nginx: proxy_http_version 1.1)",
            Socket.BLOCKED: "refused before they reach the service",
            Socket.SILENT: "open, but nothing comes through; a proxy in between inspects or holds them",
            Socket.FAILED: "do not open",
        }[tried.outcome]
        fine = tried.outcome in (Socket.WORKS, Socket.REFUSED)
        yield Finding(Level.OK if fine else Level.WARNING, "websockets", f"{words} ({tried.detail})")

    def _metrics(self) -> Findings:
        try:
            answer = self._ask("GET", "/metrics")
        except FetchError:
            return
        shown = answer.status == 200 and b"proview_" in answer.body
        if shown and not self._is_local():
            yield Finding(
                Level.ERROR,
                "metrics",
                f"{self._mount}/metrics is told to whoever asks here: the front server must send X-Forwarded-For (nginx: proxy_set_header"
                " X-Forwarded-For $remote_addr) or deny the path. If this is the server itself, ask from another machine",
            )
        elif shown:
            yield Finding(
                Level.OK, "metrics", "told to this machine; whether to others, too, shows a check from another one"
            )
        else:
            yield Finding(Level.OK, "metrics", "not told to strangers")

    def _is_local(self) -> bool:
        return self._client.origin.host.startswith(_LOCAL)


def page_origin(config: Config, asked: Origin) -> str:
    """An origin that the service will take a socket from: the asked one if it is listed, else any that is."""
    if any(asked in account.domains for account in config.accounts):
        return str(asked)
    listed = sorted(str(origin) for account in config.accounts for origin in account.domains.exact)
    return listed[0] if listed else str(asked)


def code_of(answer: Answer) -> str | None:
    """The code of an error of our API; None when somebody else answered."""
    return error_code({name.lower(): value for name, value in answer.headers}, answer.body)


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
