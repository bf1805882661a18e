"""nginx, which is both the plain upstream and the contestant that others are compared with."""

import os
import shutil
import socket
from pathlib import Path
from string import Template

from benchmarks.program import Program

_CONFIGURATION = Template("""\
daemon off;
$user
worker_processes 1;
worker_rlimit_nofile 8192;
pid $folder/nginx.pid;
error_log $folder/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
$servers
}
""")


def nginx_program() -> str | None:
    """Find nginx."""
    return shutil.which("nginx")


def start_nginx(servers: str, *, folder: Path, cores: frozenset[int], port: int) -> Program:
    """Start nginx with one worker and these `server` blocks; returns when `port` answers."""
    program = nginx_program()
    if program is None:
        raise FileNotFoundError("nginx")
    folder.mkdir(exist_ok=True)
    # As root, the worker would become a user who may not look into our folder.
    user = "user root;" if os.geteuid() == 0 else ""
    text = _CONFIGURATION.substitute(user=user, folder=folder, servers=servers)
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    command = (program, "-p", folder, "-e", folder / "error.log", "-c", configuration)
    running = Program(command, output=folder / "output", cores=cores)
    running.wait_for(lambda _: _is_open(port) or None)
    return running


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
