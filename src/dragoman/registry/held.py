"""What LLMs may use of the secrets that the operator holds, when they are saved."""

from collections.abc import Iterator

from dragoman.domain.credential import GoogleAdc, Held
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.grant import GOOGLE_APIS, is_google, is_granted
from dragoman.domain.llm import LLM, Configuration
from dragoman.domain.ports import ReadGrants
from dragoman.domain.url import parse_origin

NOT_GRANTED = "is not a secret that the operator has granted to this organization for these origins"
NOT_GOOGLE = f"must be https and end in {GOOGLE_APIS}: Google's credentials go nowhere else"


async def require_grant(grants: ReadGrants, llm: LLM) -> None:
    """Check that an LLM's credential, where the operator holds it, may be sent to its endpoints.

    Raises Invalid, in the same words for what is not granted and for what is not there.
    """
    held = llm.credential.held if llm.credential else None
    if held is None:
        return
    problems = tuple(endpoint_problems(held, llm.configuration))
    if problems:
        raise Invalid(*problems)
    if not is_granted(await grants.of(llm.organization_id), held, llm.configuration.origins):
        raise Invalid(Problem(("credential", "held"), NOT_GRANTED, "not_granted"))


def endpoint_problems(held: Held, configuration: Configuration) -> Iterator[Problem]:
    """Find endpoints, all of them valid URLs, that a secret never goes to, whatever is granted."""
    for index, endpoint in enumerate(configuration.endpoints):
        if isinstance(held, GoogleAdc) and not is_google(parse_origin(endpoint.url)):
            yield Problem(("endpoints", index, "url"), NOT_GOOGLE, "not_google")
