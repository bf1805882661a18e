"""Google's token endpoint, which verifies what it is sent, and a metadata server."""

import json
import time
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.scripted_upstream import Request, Step, forever, read_request, reply
from tests.upstream.calling import answer

EMAIL = "llms@canary.iam.gserviceaccount.com"
TOKEN_URI = "https://oauth2.googleapis.com/token"
KEY_ID = "f00d"
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
JSON = b"content-type: application/json\r\n"
FLAVOR = b"metadata-flavor: Google\r\n"

_KEY = rsa.generate_private_key(65537, 2048)


def key_file(path: Path, **members: object) -> Path:
    """Write the JSON file of a service account; a member that is None is left out."""
    pem = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    content = {
        "type": "service_account",
        "project_id": "canary",
        "private_key_id": KEY_ID,
        "private_key": pem,
        "client_email": EMAIL,
        "client_id": "1",
        "token_uri": TOKEN_URI,
    }
    given = {name: value for name, value in (content | members).items() if value is not None}
    path.write_text(json.dumps(given))
    return path


class TokenEndpoint:
    """Gives a token for an assertion that holds; each one is a new one."""

    def __init__(self, now_s: int | None = None) -> None:
        """`now_s` is the time, where it is not the real one [s since 1970]."""
        self.now_s = now_s
        self.expires_in = 3600
        self.says: bytes | None = None
        self.refuses = False
        """Whether it refuses, and quotes what it refuses."""
        self.claims: list[dict[str, Any]] = []
        self.assertions: list[str] = []

    def steps(self) -> Step:
        """Serve it."""
        return forever(read_request(), reply(self.answer))

    def answer(self, request: Request) -> bytes:
        """Look at the assertion, and give a token or say what is wrong."""
        form = parse_qs(request.body.decode(), strict_parsing=True)
        (assertion,) = form["assertion"]
        self.assertions.append(assertion)
        if self.says is not None:
            return self.says
        try:
            assert not self.refuses, "refused"
            self._verify(form, assertion)
        except (InvalidSignature, AssertionError) as error:
            return refused("invalid_grant", f"{error} in {assertion}")
        token = f"ya29.canary-{len(self.claims)}"
        return _given(token, self.expires_in)

    def _verify(self, form: dict[str, list[str]], assertion: str) -> None:
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        signed, _, signature = assertion.rpartition(".")
        header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        assert header == {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        _KEY.public_key().verify(_decoded(signature), signed.encode(), PKCS1v15(), SHA256())
        assert sorted(claims) == ["aud", "exp", "iat", "iss", "scope"]
        assert (claims["iss"], claims["aud"]) == (EMAIL, TOKEN_URI)
        now_s = time.time() if self.now_s is None else self.now_s
        assert now_s - 60 < claims["iat"] <= now_s + 1
        assert 0 < claims["exp"] - claims["iat"] <= 3600
        self.claims.append(claims)


class MetadataEndpoint:
    """Gives the machine's token to whoever sends the header that is wanted."""

    def __init__(self) -> None:
        self.expires_in = 3600
        self.says: bytes | None = None
        self.scopes: list[str | None] = []

    def steps(self) -> Step:
        """Serve it."""
        return forever(read_request(), reply(self.answer))

    def answer(self, request: Request) -> bytes:
        """Give a token."""
        url = urlsplit(request.head.split()[1].decode())
        if self.says is not None:
            return self.says
        if request.header("metadata-flavor") != b"Google":
            return answer(b"<html>", status=b"403 Forbidden", headers=FLAVOR)
        assert url.path == "/computeMetadata/v1/instance/service-accounts/default/token"
        assert request.head.startswith(b"GET ")
        self.scopes.append(parse_qs(url.query).get("scopes", [None])[0])
        token = f"ya29.c.machine-{len(self.scopes)}" + "." * 20  # as real ones are padded
        return _given(token, self.expires_in, FLAVOR)


def refused(error: str, description: str) -> bytes:
    """Write an error as RFC 6749 has it; Google's descriptions may quote what was sent."""
    body = {"error": error, "error_description": description}
    return answer(json.dumps(body).encode(), status=b"400 Bad Request", headers=JSON)


def _given(token: str, expires_in: int, headers: bytes = b"") -> bytes:
    body = {"access_token": token, "expires_in": expires_in, "token_type": "Bearer"}
    return answer(json.dumps(body).encode(), headers=JSON + headers)


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
