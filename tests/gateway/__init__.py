"""The data plane's use cases."""
