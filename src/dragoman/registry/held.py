"""What LLMs may use of the secrets that the operator holds, when they are saved."""

from collections.abc import Iterator

from dragoman.domain.credential import GoogleAdc, Held
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.grant import GOOGLE_APIS, is_google, is_granted
from dragoman.domain.llm import LLM
from dragoman.domain.ports import ReadGrants
from dragoman.domain.url import parse_origin

NOT_GRANTED = "is not a secret that the operator has granted to this organization for these origins"


async def require_grant(grants: ReadGrants, llm: LLM) -> None:
    """Check that an LLM's credential, where the operator holds it, may be sent to its endpoints.

    Raises Invalid, in the same words for what is not granted and for what is not there.
    """
    held = llm.credential.held if llm.credential else None
    if held is None:
        return
    problems = tuple(_origin_problems(held, llm))
    if problems:
        raise Invalid(*problems)
    if not is_granted(await grants.of(llm.organization_id), held, llm.configuration.origins):
        raise Invalid(Problem(("credential", "held"), NOT_GRANTED, "not_granted"))


def _origin_problems(held: Held, llm: LLM) -> Iterator[Problem]:
    """Find endpoints that Google's tokens never go to, whatever was granted."""
    if not isinstance(held, GoogleAdc):
        return
    for index, endpoint in enumerate(llm.configuration.endpoints):
        if not is_google(parse_origin(endpoint.url)):
            message = f"must be https and end in {GOOGLE_APIS} where Google's credentials are used"
            yield Problem(("endpoints", index, "url"), message, "not_google")
