"""The contestants: Dragoman as it is shipped, and what it is compared with."""

import json
import re
import subprocess
import sys
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import dragoman
from benchmarks.contestant import Contestant, json_call
from benchmarks.conversation import CREDENTIAL, MODEL, Call, Route
from benchmarks.nginx import free_port, nginx_program, start_nginx
from benchmarks.program import Program
from benchmarks.upstream import TLS_HOST


class Dragoman(Contestant):
    """The start command with one worker, and one registered LLM per route."""

    name = "Dragoman"
    _port = 0
    _key = ""

    @property
    def version(self) -> str:
        """Which one it is."""
        return dragoman.__version__

    def call(self, route: Route) -> Call:
        """Name the LLM of the route."""
        authorization = f"Bearer {self._key}"
        return json_call(
            self._port, "/v1/chat/completions", str(route), route, Authorization=authorization
        )

    def _start(self) -> Program:
        settings = {
            "DATA_DIR": str(self._folder / "data"),
            "PORT": "0",
            "WORKERS": "1",
            "EGRESS_ALLOW": "127.0.0.0/8,::1/128",
        }
        if self._upstreams.ca_bundle.exists():
            settings["CA_BUNDLE"] = str(self._upstreams.ca_bundle)
        program = Program(
            [sys.executable, "-m", "dragoman", "serve"],
            output=self._folder / "output",
            cores=self._cores,
            environment={f"DRAGOMAN_{name}": value for name, value in settings.items()},
        )
        ready = program.wait_for(lambda text: re.search(r"is ready on http://\S+:(\d+) ", text))
        self._port = int(ready[1])
        if not self._key:
            self._key = (self._folder / "data" / "admin.key").read_text().strip()
            self._register()
        return program

    def _register(self) -> None:
        for route in self._upstreams.routes:
            llm = {
                "displayName": str(route),
                "llmFormat": "openai",
                "modelName": MODEL,
                "urls": [{"url": f"{self._upstreams.base_url(route)}/chat/completions"}],
                "secret": CREDENTIAL,
            }
            headers = {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._key}",
            }
            url = f"http://127.0.0.1:{self._port}/v1/llms"
            body = json.dumps(llm).encode()
            with urllib.request.urlopen(urllib.request.Request(url, body, headers)):
                pass


class Nginx(Contestant):
    """A reverse proxy with one worker, which puts the credential on and looks at nothing.

    It asks for no key and reads no body, so it is the limit of what relaying can cost.
    """

    name = "nginx"
    _port = 0

    @property
    def version(self) -> str:
        """Which one it is."""
        said = subprocess.run(
            [nginx_program() or "", "-v"], capture_output=True, text=True, check=True
        )
        return said.stderr.strip().rpartition("/")[2]

    def call(self, route: Route) -> Call:
        """Name the route in the path."""
        return json_call(self._port, f"/{route}/v1/chat/completions", MODEL, route)

    def _start(self) -> Program:
        self._port = free_port()
        routes = self._upstreams.routes
        groups = "".join(self._group(route) for route in routes)
        locations = "".join(self._location(route) for route in routes)
        servers = f"{groups} server {{ listen 127.0.0.1:{self._port} backlog=2048; {locations} }}"
        return start_nginx(
            servers, folder=self._folder / "nginx", cores=self._cores, port=self._port
        )

    def _group(self, route: Route) -> str:
        address = self._upstreams.base_url(route).split("/")[2].replace(TLS_HOST, "127.0.0.1")
        kept = "keepalive 1024; keepalive_requests 1000000000;"
        return f"upstream {route} {{ server {address}; {kept} }}\n"

    def _location(self, route: Route) -> str:
        scheme = "https" if route is Route.TLS else "http"
        return f"""
          location /{route}/ {{
            proxy_pass {scheme}://{route};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "Bearer {CREDENTIAL}";
            proxy_buffering {"off" if route.is_streamed else "on"};
            proxy_ssl_verify on;
            proxy_ssl_name {TLS_HOST};
            proxy_ssl_server_name on;
            proxy_ssl_trusted_certificate {self._upstreams.ca_bundle};
          }}"""


class TensorZero(Contestant):
    """TensorZero's gateway, written in Rust, out of its wheel; it writes down nothing."""

    name = "TensorZero"
    _port = 0

    @property
    def version(self) -> str:
        """Which one it is."""
        return version("tensorzero")

    def call(self, route: Route) -> Call:
        """Name the model of the route."""
        model = f"tensorzero::model_name::{route}"
        return json_call(self._port, "/openai/v1/chat/completions", model, route)

    def _start(self) -> Program:
        configuration = self._folder / "tensorzero.toml"
        models = [self._model(route) for route in self._upstreams.routes]
        configuration.write_text("[gateway]\nobservability.enabled = false\n" + "".join(models))
        environment = {"BENCH_KEY": CREDENTIAL}
        if self._upstreams.ca_bundle.exists():
            environment["SSL_CERT_FILE"] = str(self._upstreams.ca_bundle)
        program = Program(
            [sys.executable, Path(__file__).parent / "tensorzero_gateway.py", configuration],
            output=self._folder / "output",
            cores=self._cores,
            environment=environment,
        )
        ready = program.wait_for(lambda text: re.search(r"ready on http://\S+:(\d+)/", text))
        self._port = int(ready[1])
        return program

    def _model(self, route: Route) -> str:
        return f"""
[models.{route}]
routing = ["upstream"]
[models.{route}.providers.upstream]
type = "openai"
model_name = "{MODEL}"
api_base = "{self._upstreams.base_url(route)}/"
api_key_location = "env::BENCH_KEY"
"""


def missing() -> dict[str, str]:
    """Say which contestants are not installed, and what would install them."""
    absent = {}
    if nginx_program() is None:
        absent[Nginx.name] = "nginx is not installed (Debian: apt-get install nginx-light)"
    try:
        version("tensorzero")
    except PackageNotFoundError:
        absent[TensorZero.name] = "its wheel is not installed (dependency group bench)"
    return absent
