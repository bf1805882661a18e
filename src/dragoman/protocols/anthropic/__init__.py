"""Anthropic's Messages (platform.claude.com, API reference, "Create a Message", 2026-11)."""

from dragoman.protocols.anthropic.decoding import decode, decoder, problem
from dragoman.protocols.anthropic.encoding import encode

__all__ = ["decode", "decoder", "encode", "problem"]
