"""The wire formats that upstreams speak."""
