"""A CONNECT proxy on loopback: it notes every host that a program tries to reach.

Without an answerer it refuses them all; with one it ends TLS itself and lets the answerer speak.
"""

import datetime as dt
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Answerer = Callable[[ssl.SSLSocket, Any], None]


@dataclass
class ConnectProxy:
    """What a test sees of the proxy: its address, and the hosts that were asked for."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def connect_proxy(
    answers: dict[str, tuple[ssl.SSLContext, Answerer]] | None = None,
) -> Iterator[ConnectProxy]:
    """Run a proxy. `answers` maps `host:port` to a TLS context and who speaks behind it."""
    state = ConnectProxy()
    handler = type("Handler", (_Connect,), {"state": state, "answers": answers or {}})
    with _Server(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        loop = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        loop.start()
        try:
            yield state
        finally:
            server.shutdown()
            loop.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is nothing to report."""


class _Connect(BaseHTTPRequestHandler):
    state: ConnectProxy
    answers: dict[str, tuple[ssl.SSLContext, Answerer]]

    def log_message(self, *_: Any) -> None:
        pass

    def do_CONNECT(self) -> None:
        self.state.asked.append(self.path)
        answer = self.answers.get(self.path)
        if answer is None:
            self.send_error(403)
            return
        context, speak = answer
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        with context.wrap_socket(self.connection, server_side=True) as inner:
            speak(inner, self.client_address)
        self.close_connection = True

    def do_GET(self) -> None:
        self.state.asked.append(self.path)
        self.send_error(403)

    def do_POST(self) -> None:
        self.do_GET()


def make_certificates(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """Make a throw-away authority and a server context; return the authority's file."""
    authority_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("loopback test authority", authority_key, authority_key, None, host="")
    leaf = _certificate(host, leaf_key, authority_key, authority, host=host)
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "leaf.pem").write_bytes(
        leaf.public_bytes(pem)
        + leaf_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    context.set_alpn_protocols(["http/1.1"])
    return folder / "authority.pem", context


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    *,
    host: str,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not host, path_length=None), critical=True)
    )
    if host:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False).add_extension(usage, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
