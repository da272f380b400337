"""The look at a running server as one report: the findings, the facts, the JSON document (docs/checking.md)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask_proview.config import Config
from flask_proview.errors import ConfigError

from .addresses import read_address
from .client import Bounds, Client
from .findings import Finding, Level
from .server import ServerCheck, ServerFacts

SCHEMA = "proview.server/1"
BOUNDS = Bounds(connect_s=5.0, total_s=30.0)


class ServerReport:
    def __init__(self, url: str, facts: ServerFacts) -> None:
        self.url = url
        self.facts = facts

    @property
    def findings(self) -> list[Finding]:
        return self.facts.findings

    @property
    def ok(self) -> bool:
        """No finding is an error."""
        return not any(finding.level is Level.ERROR for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The documented form; keys are added, never renamed, while the schema's number stays."""
        facts = asdict(self.facts)
        del facts["findings"]
        return {
            "schema": SCHEMA,
            "url": self.url,
            "ok": self.ok,
            "facts": facts,
            "findings": [{"level": f.level.value, "topic": f.topic, "message": f.message} for f in self.findings],
        }


def check_server(config: Config, url: str) -> ServerReport:
    """Ask the installation at ``url`` (empty: ``server.public_url``).

    :raises ConfigError: when there is no usable address.
    """
    address = url or config.server.public_url
    if not address:
        raise ConfigError(
            "--url: server.public_url is not set; give the address browsers use, e.g. --url https://exam.example.edu"
        )
    place = read_address(address)
    if place is None:
        raise ConfigError(
            f"--url {address!r}: expected an address like https://exam.example.edu without user and password"
        )
    return ServerReport(str(place.origin), ServerCheck(config, Client(place.origin, BOUNDS)).run())
