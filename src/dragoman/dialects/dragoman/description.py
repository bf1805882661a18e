"""What the OpenAPI description says beside what the routes themselves do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from dragoman.dialects.dragoman import llm_shown, schema
from dragoman.dialects.dragoman.errors import PROBLEM_JSON

ABOUT = """\
Everything that Dragoman knows: LLMs, organizations, principals, API keys and the audit trail.

Send an API key as `Authorization: Bearer <key>`. Unknown members and parameters are refused.
Times are RFC 3339 in UTC. Lists are newest first; `next_page_token` leads to the next page.
Failures are `application/problem+json` (RFC 9457), and programs tell them apart by `code`.
"""

ALWAYS = (400, 401, 413, 415, 500, 503)
"""What any request may be answered with; 413 and 415 are about its body."""

ONE_LLM = "llms/{llm_id}"
FURTHER: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("GET", "llms"): (403,),
    ("POST", "llms"): (403, 409),
    ("GET", ONE_LLM): (304, 403, 404, 412),
    ("PATCH", ONE_LLM): (403, 404, 409, 412),
    ("DELETE", ONE_LLM): (403, 404, 412),
    ("POST", "organizations"): (403, 409),
    ("PATCH", "organizations/{organization_id}"): (403, 404, 409),
    ("DELETE", "principals/{principal_id}"): (403, 404, 409),
    ("GET", "me"): (404,),
}
"""What some requests may be answered with beside."""
ELSEWHERE = (403, 404)

VERBS = {"GET": "get", "POST": "create", "PATCH": "update", "DELETE": "delete"}

OK, CREATED, NO_CONTENT, NOT_MODIFIED = 200, 201, 204, 304

LOCATION = {"description": "Where it is found.", "schema": {"type": "string"}}
ETAG = {
    "description": "The revision, for If-Match and If-None-Match.",
    "schema": {"type": "string", "examples": ['"17"']},
}
CONDITIONS = {
    "If-Match": "Refuse (412) unless the LLM has one of these revisions.",
    "If-None-Match": "Answer 304 (GET), or refuse (412), where the LLM has one of these revisions.",
}


def of(method: str, path: str) -> dict[str, Any]:
    """Give what a route's description says."""
    statuses = sorted({*ALWAYS, *FURTHER.get((method, path), ELSEWHERE)})
    responses: dict[int, dict[str, Any]] = {status: _failure(status) for status in statuses}
    noun, _, one = path.partition("/")
    verb = VERBS[method] if method != "GET" or one or noun == "me" else "list"
    options: dict[str, Any] = {
        "tags": [noun],
        "operation_id": f"{verb}_{noun if verb == 'list' else noun.removesuffix('s')}",
        "summary": f"{verb} {noun if verb == 'list' else noun.removesuffix('s')}".capitalize(),
        "responses": responses,
    }
    if method == "DELETE":
        options["status_code"] = NO_CONTENT
    elif method == "POST":
        options["status_code"] = CREATED
        responses[CREATED] = {"headers": {"Location": LOCATION}}
    match method, path:
        case "POST", "llms":
            responses[CREATED]["headers"]["ETag"] = ETAG
            responses[OK] = {
                "model": llm_shown.Llm,
                "description": "It could be registered (`dry_run`).",
            }
        case "GET", "llms/{llm_id}":
            options["response_model"] = llm_shown.Llm
            responses[OK] = {"headers": {"ETag": ETAG}}
            responses[NOT_MODIFIED]["headers"] = {"ETag": ETAG}
        case "PATCH", "llms/{llm_id}":
            responses[OK] = {"headers": {"ETag": ETAG}}
        case _:
            pass
    return options


def _failure(status: int) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    is_failure = status >= HTTPStatus.BAD_REQUEST
    return {"description": phrase} | ({"model": schema.Problem} if is_failure else {})


def complete(operation: dict[str, Any], method: str, path: str) -> None:
    """Add what the framework does not know of an operation."""
    for status, response in operation["responses"].items():
        if status >= "400":
            response["content"] = {PROBLEM_JSON: response["content"]["application/json"]}
    if path == f"/v1/{ONE_LLM}":
        operation["parameters"] += [
            {
                "name": name,
                "in": "header",
                "description": meaning,
                "schema": {"type": "string", "examples": ['"17"', "*"]},
            }
            for name, meaning in CONDITIONS.items()
        ]
    if method == "PATCH":
        content = operation["requestBody"]["content"]
        content["application/merge-patch+json"] = content["application/json"]
