"""Ports in memory: ordinary code that keeps the same promises as the real adapters."""
