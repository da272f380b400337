"""An application behind https: its certificate is verified."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import Client

from flask_proview.middleware.proxy.errors import CutOff

from .asking import open_proxy
from .upstream import OK, Upstream


def make_certificate(folder: Path, address: str) -> Path:
    """A certificate of its own authority, with its key, for an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "application")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{address}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_verified_application_is_asked_over_one_kept_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Upstream(OK, tls=server_context(certificate)) as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        for _ in range(3):
            assert client.get("/").data == b"ok"
        assert client.post("/", data=b"x" * 300_000).data == b"ok"
        assert upstream.connections == 2


def test_what_a_tls_connection_says_unasked_is_no_answer_to_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    late = OK.replace(b"200 OK", b"408 Late")
    with Upstream([OK, late], OK, tls=server_context(certificate)) as upstream, open_proxy(upstream.url) as app:
        client = Client(app, use_cookies=False)
        assert client.get("/1").data == b"ok"
        assert client.get("/2").data == b"ok"
        assert upstream.connections == 2


@pytest.mark.parametrize(("address", "known"), [("127.0.0.1", False), ("127.0.0.2", True)])
def test_an_unknown_or_wrong_certificate_is_a_bad_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, known: bool
) -> None:
    certificate = make_certificate(tmp_path, address)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Upstream(OK, tls=server_context(certificate)) as upstream, open_proxy(upstream.url) as app:
        assert Client(app).get("/").status_code == 502
        assert upstream.requests == []


def test_an_end_without_the_tls_goodbye_is_not_the_end_of_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the close says where this body ends; without close_notify anybody on the way may have said it."""
    certificate = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    half = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf"
    with (
        Upstream(half, tls=server_context(certificate)) as upstream,
        open_proxy(upstream.url) as app,
        pytest.raises(CutOff),
    ):
        Client(app).get("/", buffered=True)
