"""What LLMs use of the secrets that the operator holds."""

from collections import defaultdict
from collections.abc import AsyncIterator

from dragoman.app.examination.finding import Finding, count, ok, some, warning
from dragoman.app.examination.stored import Opened
from dragoman.domain.grant import Grant, is_granted


async def secrets(opened: Opened) -> AsyncIterator[Finding]:
    """Look whether each LLM may still use the secret that it names."""
    grants: dict[str, list[Grant]] = defaultdict(list)
    for grant in await opened.survey.grants():
        grants[grant.organization_id].append(grant)
    refused = []
    async for llm in opened.survey.borrowers():
        held = llm.credential.held if llm.credential else None
        origins = llm.configuration.origins
        if held is not None and not is_granted(grants[llm.organization_id], held, origins):
            refused.append(f"{llm.id} ('{llm.configuration.display_name}')")
    if refused:
        yield warning(
            "grants",
            f"Calls of {count(len(refused), 'LLM')} are refused, because the secret named there is "
            f"not granted for all of its endpoints: {some(refused)}. Grant it with 'dragoman grant "
            "add', or register another credential.",
        )
    else:
        yield ok("grants", "Each LLM that names a secret of yours was granted it.")
