"""The response path under bytes that nobody thought of."""
