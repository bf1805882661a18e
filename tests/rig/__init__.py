"""A network of its own, in which every address of the world answers: for the default egress policy.

`python -m tests.rig` makes it and runs `tests/rig/default_egress.py` inside; `scripts/rig` does
that on its own, and `tests/end_to_end/test_default_egress.py` with all other tests. Inside:

- a network namespace with nothing but `lo`, on which every IPv4 and IPv6 address is local
  (`network.py`), so that a connection to wherever arrives at the listeners of `world.py`;
- a mount namespace with a `resolv.conf` that names the server of `name_server.py` (`mounts.py`).
"""
