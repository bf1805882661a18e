"""TensorZero's gateway as a program: `python benchmarks/tensorzero_gateway.py CONFIGURATION`.

The wheel has no command for it, but a function that starts the HTTP server in this process; the
package's own `patch_openai_client` uses it (tensorzero 2026.6, `__init__.py`).
"""

import signal
import sys
from typing import Any

from tensorzero import _start_http_gateway


def main() -> None:
    """Serve on a port of the gateway's choice until SIGTERM."""
    gateway: Any = _start_http_gateway(
        config_file=sys.argv[1],
        clickhouse_url=None,
        postgres_url=None,
        valkey_url=None,
        async_setup=False,
    )
    sys.stdout.write(f"ready on {gateway.base_url}\n")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pause()


if __name__ == "__main__":
    main()
