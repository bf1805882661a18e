"""OpenAI Chat Completions: what callers speak, and many upstreams too.

Where both do, `passthrough` edits what comes and nothing is translated.
"""

from dragoman.protocols.openai_chat.decoding import decode, decoder, problem
from dragoman.protocols.openai_chat.encoding import encode
from dragoman.protocols.openai_chat.passthrough import SPOKEN_BY, edited

__all__ = ["SPOKEN_BY", "decode", "decoder", "edited", "encode", "problem"]
