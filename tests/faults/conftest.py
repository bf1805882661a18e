"""A server that trusts a certificate authority of these tests, and a healthy upstream."""

import ssl
from pathlib import Path

import pytest
import trustme

from tests.upstream.conftest import make_pool

__all__ = ["make_pool"]


@pytest.fixture(scope="package")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="package")
def ca_bundle(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="package")
def certified(ca: trustme.CA) -> ssl.SSLContext:
    """Give what an upstream needs to be believed that it is 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context
