from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from flask_proview.doctor.addresses import read_address
from flask_proview.doctor.certificate import certificate_findings
from flask_proview.doctor.client import Bounds, Client
from flask_proview.doctor.findings import Finding, Level
from tests.proxy.test_tls import make_certificate, server_context

from .site import crawl, page, running


def findings(url: str) -> tuple[list[Finding], Client]:
    place = read_address(url)
    assert place is not None
    client = Client(place.origin, Bounds(total_s=5))
    return list(certificate_findings(client)), client


def test_a_certificate_that_ends_soon_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running({"*": page()}, tls=server_context(certificate)) as site:
        found, client = findings(site.url)
    assert [f.level for f in found] == [Level.WARNING]
    assert "valid for 0 more days" in found[0].message
    assert client.verify


def test_a_certificate_that_lasts_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr("flask_proview.doctor.certificate.SOON_DAYS", -1)
    with running({"*": page()}, tls=server_context(certificate)) as site:
        assert findings(site.url)[0][0].level is Level.OK


def test_a_certificate_that_browsers_refuse_is_an_error_and_the_rest_is_asked(tmp_path: Path) -> None:
    with running({"*": page()}, tls=server_context(make_certificate(tmp_path, "127.0.0.1"))) as site:
        found, client = findings(site.url)
        assert client.ask("GET", "/").status == 200
    assert found[0].level is Level.ERROR
    assert "self-signed certificate" in found[0].message


def test_plain_http_has_none() -> None:
    assert findings("http://127.0.0.1:1")[0] == []


def test_a_crawl_refuses_such_a_site_unless_told_otherwise(tmp_path: Path) -> None:
    context: ssl.SSLContext = server_context(make_certificate(tmp_path, "127.0.0.1"))
    with running({"*": page()}, tls=context) as site:
        assert "self-signed certificate" in crawl(site).start_problem
        assert crawl(site, verify=False).reached
