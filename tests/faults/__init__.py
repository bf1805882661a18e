"""What upstreams do wrong, as named data: the same tables run against the pool and the server."""
