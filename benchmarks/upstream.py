"""Who answers: an nginx that has one answer for everything, and a server of ours for streams."""

import re
import sys
from pathlib import Path
from typing import Self

import trustme

from benchmarks.conversation import ANSWER, CREDENTIAL, MODEL, Call, Route, question
from benchmarks.nginx import free_port, nginx_program, start_nginx
from benchmarks.program import Program

HOST = "127.0.0.1"
TLS_HOST = "localhost"
"""nginx verifies names only, so the certificate is for a name."""


class Upstreams:
    """Everything behind the contestants, for the length of the block."""

    def __init__(self, *, folder: Path, cores: frozenset[int]) -> None:
        self._folder = folder
        self._cores = cores
        self._programs: list[Program] = []
        self._ports: dict[Route, int] = {}
        self.ca_bundle = folder / "ca.pem"

    def __enter__(self) -> Self:
        self._start_streams()
        if nginx_program() is not None:
            self._start_nginx()
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._programs:
            program.stop()

    @property
    def routes(self) -> list[Route]:
        """Which behaviours there are."""
        return list(self._ports)

    def base_url(self, route: Route) -> str:
        """Give the base URL of an OpenAI-compatible server that behaves so."""
        scheme, host = ("https", TLS_HOST) if route is Route.TLS else ("http", HOST)
        return f"{scheme}://{host}:{self._ports[route]}/{route}/v1"

    def call(self, route: Route) -> Call:
        """Give the call that a contestant would make."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {CREDENTIAL}"}
        path = f"/{route}/v1/chat/completions"
        return Call(HOST, self._ports[route], path, headers, question(MODEL, route))

    def _start_streams(self) -> None:
        program = Program(
            [sys.executable, "-m", "benchmarks.stream_server"],
            output=self._folder / "streams.out",
            cores=self._cores,
        )
        self._programs.append(program)
        port = int(program.wait_for(lambda text: re.search(r"listening on (\d+)\n", text))[1])
        self._ports = {route: port for route in Route if route is not Route.TLS}

    def _start_nginx(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_bundle)
        certificate = self._folder / "certificate.pem"
        authority.issue_cert(TLS_HOST).private_key_and_cert_chain_pem.write_to_path(certificate)
        plain, encrypted = free_port(), free_port()
        answer = f"default_type application/json; return 200 '{ANSWER.decode()}';"
        servers = f"""
          server {{ listen {HOST}:{plain} backlog=2048; location / {{ {answer} }} }}
          server {{
            listen {HOST}:{encrypted} ssl backlog=2048;
            ssl_certificate {certificate};
            ssl_certificate_key {certificate};
            location / {{ {answer} }}
          }}"""
        folder = self._folder / "upstream"
        self._programs.append(
            start_nginx(servers, folder=folder, cores=self._cores, port=encrypted)
        )
        self._ports |= {Route.PLAIN: plain, Route.TLS: encrypted}
