"""The one way out: every socket to an LLM's server is opened here.

`ranges` (data) → `address` → `egress` → `route` decide where a connection may go, and whether
straight or through the operator's proxy; `resolve`, `dial` and `tunnel` are the steps that
`connect` takes to open it. `answer` takes a response apart without any I/O; `connection` carries
one exchange at a time; `lane` holds the connections to one origin; `exchange` is what a caller
holds; `pool` joins them into the port `Upstream`.
"""
