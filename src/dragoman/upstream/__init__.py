"""The one way out: every socket to an LLM's server is opened here.

`ranges` (data) → `address` → `egress` decide where a connection may go; `resolve` and `connect`
open it. `answer` takes a response apart without any I/O; `connection` carries one exchange at a
time; `lane` holds the connections to one origin; `exchange` is what a caller holds; `pool` joins
them into the port `Upstream`.
"""
