"""The vocabulary of the tiny model: one token per byte, control tokens, and a few whole words.

The tokenizer is GPT-2's byte-level BPE. With one token for every byte it can write down any
text, so prompts may hold anything: JSON, other scripts, emoji. The words that the model itself
says are "user-defined" tokens: llama.cpp cuts those out of the text before it runs BPE, so they
need no merge rules and may contain spaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

# The control tokens frame the chat. Text can only hold them if the chat template puts them there
# or if somebody spells them out, which is as true of every real model.
END = "<|end|>"
SYSTEM = "<|system|>"
USER = "<|user|>"
TOOL = "<|tool|>"
ASSISTANT = "<|assistant|>"
CONTROL_TOKENS = (END, SYSTEM, USER, TOOL, ASSISTANT)

TOOLS_OPEN = "<tools>"
TOOL_CALL_OPEN = "<tool_call>"
TOOL_CALL_CLOSE = "</tool_call>"
TAG_TOKENS = (TOOLS_OPEN, TOOL_CALL_OPEN, TOOL_CALL_CLOSE)

# The first city is what the model says when the prompt names none.
CITIES = ("Paris", "Berlin", "London", "Tokyo")

# Two spaces: llama.cpp refuses a BPE vocabulary without any merge rule, so this is the one it has.
MERGED_SPACES = "  "


class TokenType(IntEnum):
    """The numbers that GGUF has for the kinds of tokens."""

    NORMAL = 1
    CONTROL = 3
    USER_DEFINED = 4


def printable_bytes() -> list[str]:
    """Return for each byte the character that stands for it in a byte-level BPE vocabulary.

    GPT-2's convention: printable Latin-1 characters stand for themselves, every other byte (white
    space, control characters) gets the next free character from U+0100 on.
    """
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    shown += range(ord("®"), ord("ÿ") + 1)
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) if byte in shown else chr(256 + hidden.index(byte)) for byte in range(256)]


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in the order of their ids, as GGUF wants to have them."""

    texts: list[str]
    types: list[TokenType]
    merges: list[str]

    def __len__(self) -> int:
        """Return how many tokens there are."""
        return len(self.texts)

    def id_of(self, text: str) -> int:
        """Return the id of the token that stands for this text."""
        return self.texts.index(text if len(text) > 1 else printable_bytes()[ord(text)])


def build_vocabulary(words: list[str]) -> Vocabulary:
    """Make the vocabulary from the fixed tokens and the words that the model can say."""
    space = printable_bytes()[ord(" ")]
    normal = [*printable_bytes(), space * len(MERGED_SPACES)]
    user_defined = [*TAG_TOKENS, *words]
    texts = [*normal, *CONTROL_TOKENS, *user_defined]
    if len(set(texts)) < len(texts):
        raise ValueError("two tokens are the same, and the model could not tell them apart")
    return Vocabulary(
        texts=texts,
        types=[TokenType.NORMAL] * len(normal)
        + [TokenType.CONTROL] * len(CONTROL_TOKENS)
        + [TokenType.USER_DEFINED] * len(user_defined),
        merges=[f"{space} {space}"],
    )
