"""A vault as OpenBao and Vault speak to us: KV version 2, and who a token is."""

import json
import ssl
from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.scripted_upstream import Request, ScriptedUpstream, forever, read_request, reply, serving
from tests.upstream.calling import answer

TOKEN = "hvs.canary-of-the-vault"
JSON = b"content-type: application/json\r\n"


class VaultServer:
    """What the vault holds, by path (`kv/team/openai`), and how it is."""

    def __init__(self, secrets: dict[str, dict[str, Any] | None]) -> None:
        self.secrets = secrets
        """None: the newest version was deleted."""
        self.token = TOKEN
        self.forbidden: set[str] = set()
        self.says: bytes | None = None
        """What it answers to everything, in place of an answer."""
        self.asked: list[Request] = []

    def serving(
        self, tls: ssl.SSLContext | None = None
    ) -> AbstractAsyncContextManager[ScriptedUpstream]:
        """Serve it on this machine."""
        return serving(forever(read_request(), reply(self._answer)), tls=tls)

    @property
    def paths(self) -> list[str]:
        """What it was asked for, in order."""
        return [request.head.split()[1].decode() for request in self.asked]

    def _answer(self, request: Request) -> bytes:
        self.asked.append(request)
        if self.says is not None:
            return self.says
        if request.header("x-vault-token") != self.token.encode():
            return refusal(b"403 Forbidden", "permission denied", "invalid token")
        path = request.head.split()[1].decode().partition("/v1/")[2]
        if path == "auth/token/lookup-self":
            return _body({"data": {"id": self.token, "policies": ["default"]}})
        mount, _, rest = path.partition("/data/")
        name = f"{mount}/{rest}"
        if name in self.forbidden:
            return refusal(b"403 Forbidden", "1 error occurred:\n\t* permission denied\n\n")
        if name not in self.secrets:
            return refusal(b"404 Not Found")
        fields = self.secrets[name]
        return _body(_version(fields), b"200 OK" if fields is not None else b"404 Not Found")


SEALED = answer(b'{"errors":["Vault is sealed"]}', status=b"503 Service Unavailable", headers=JSON)
BROKEN = answer(b"<html>hello</html>")
MOVED = answer(
    b"", status=b"307 Temporary Redirect", headers=b"location: https://other.example/v1/\r\n"
)


def refusal(status: bytes, *errors: str) -> bytes:
    """Write an error as a vault does."""
    return answer(json.dumps({"errors": errors}).encode(), status=status, headers=JSON)


def _version(fields: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "request_id": "6ff3b8a8-0a4c-8a1c-4b4e-3a5a3f1a3f0e",
        "lease_id": "",
        "renewable": False,
        "lease_duration": 0,
        "data": {
            "data": fields,
            "metadata": {
                "created_time": "2026-11-21T10:00:00.000000000Z",
                "custom_metadata": None,
                "deletion_time": "" if fields is not None else "2026-11-21T11:00:00.000000000Z",
                "destroyed": False,
                "version": 1,
            },
        },
        "wrap_info": None,
        "warnings": None,
        "auth": None,
    }


def _body(body: dict[str, Any], status: bytes = b"200 OK") -> bytes:
    return answer(json.dumps(body).encode(), status=status, headers=JSON)
