"""Anam's API as its clients meet it: over HTTP, from the start command, with two workers."""
