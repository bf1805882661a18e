"""Secrets: sealed, opened, and never shown."""
