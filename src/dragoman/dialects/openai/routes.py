"""OpenAI's routes."""

from dragoman.dialect.record import Dialect
from dragoman.dialects.openai.chat import CHAT_COMPLETIONS, ChatCompletions
from dragoman.dialects.openai.models import MODELS, Models
from dragoman.domain.ports import ChangeFeed, UsageLog
from dragoman.gateway.directory import Directory
from dragoman.gateway.relay import Relay
from dragoman.registry.authentication import Authenticator


def dialect(
    *,
    relay: Relay,
    directory: Directory,
    authenticator: Authenticator,
    change_feed: ChangeFeed,
    usage_log: UsageLog,
    max_body_bytes: int,
) -> Dialect:
    """Put the dialect together."""
    chat = ChatCompletions(
        relay=relay,
        authenticator=authenticator,
        change_feed=change_feed,
        usage_log=usage_log,
        max_body_bytes=max_body_bytes,
    )
    models = Models(directory=directory, authenticator=authenticator)
    return Dialect(name="openai", paths={CHAT_COMPLETIONS: chat, MODELS: models})
