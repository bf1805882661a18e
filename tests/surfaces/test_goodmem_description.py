"""GoodMem's API as it is described here, beside what is known of the vendor's own.

`goodmem.yaml` is a description of the vendor's API, written from its documentation and its
published SDKs. Wherever `docs/openapi/goodmem.json` says something else, a reason stands below.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.surfaces.described import facts

VENDOR = Path(__file__).with_name("goodmem.yaml")
OURS = Path(__file__).parents[2] / "docs" / "openapi" / "goodmem.json"

BODY = r"(POST /v1/llms|PUT /v1/llms/\{\}) body application/json"
SHOWN = r"(GET|POST|PUT) /v1/llms(/\{\})? 20[01] application/json( \.llms \[\]| \.llm)?"
PING = r"POST /v1/ping:(once|stream)"

REASONS = {
    rf"~ {BODY} \.(capabilities|defaultSamplingParams) \..*": (
        "numbers and booleans are taken as strings too: the vendor's page shows them so"
    ),
    rf"~ {BODY} \.(maxContextLength|labels|replaceLabels|mergeLabels|credentials \.labels)": (
        "numbers, and objects of texts, are taken as strings too: the vendor's page shows them so"
    ),
    rf"- {BODY} \.(maxContextLength|displayName|endpointUrl) \(\w+\)": (
        "judged after the reading, so that all problems are told at once"
    ),
    rf"- {BODY} \.defaultSamplingParams \.\w+( \[\])?( \(\w+\))?": (
        "judged after the reading; more and longer stops are taken than the older SDK sends"
    ),
    rf"- {BODY} \.(\w+Labels|labels|credentials \.labels) (\.\*|\(maxProperties\))": (
        "judged after the reading, in both ways to write them"
    ),
    rf"\+ {BODY} \.(supportedModalities|credentials \.gcpAdc \.scopes) \(maxItems\)": (
        "every list has an end"
    ),
    r"\+ PUT /v1/llms/\{\} body application/json \.providerType": (
        "an equal one is ignored and another one is refused, in place of being ignored silently"
    ),
    rf"\+ {SHOWN} \.[\w .]+ \(required\)": "every member is always there, null where it is empty",
    r"\+ POST /v1/llms 201 application/json \.statuses \(required\)": "always there, maybe empty",
    r"- POST /v1/llms 201 application/json \.statuses \[\] \.details.*": "there are none to give",
    rf"- {SHOWN} \.(defaultSamplingParams \.|credentials \.labels).*\(\w+\)": (
        "an LLM that another API registered may have more"
    ),
    rf"- {SHOWN} \.(maxContextLength|createdAt|updatedAt) \(format\)": (
        "JSON has one kind of whole number"
    ),
    rf"- {SHOWN} \.(ownerId|createdById|updatedById) \(format\)": (
        "what the operator made belongs to 'operator', which is no UUID"
    ),
    rf"- {PING} 200 \S+( \.result)? \.timing \.\w+ \(format\)": "JSON has one kind of whole number",
    r"- POST /v1/ping:stream 200 \S+ \(maxProperties\)": (
        "each event has its one member; null members are not written"
    ),
    rf"~ {PING} body application/json \.\w+": (
        "numbers, booleans, and objects of texts are taken as strings too, as above"
    ),
    rf"- {PING} body application/json \.labels \.\*": (
        "judged after the reading, in both ways to write them"
    ),
    r"\+ \w+ /v1/\S+ (412|413|415|429|500|502|503)": (
        "every status that there can be is described"
    ),
}


def differences() -> Iterator[str]:
    """Write each: `-` is missing here, `+` is there beside, `~` is otherwise."""
    vendor = facts(yaml.safe_load(VENDOR.read_text()))
    ours = facts(json.loads(OURS.read_text()))
    for name in sorted(vendor.keys() | ours.keys()):
        if name not in ours:
            yield f"- {name}"
        elif name not in vendor:
            yield f"+ {name}"
        elif vendor[name] != ours[name]:
            yield f"~ {name}"


def test_every_difference_has_its_reason_and_every_reason_a_difference() -> None:
    found = list(differences())
    assert [each for each in found if not any(re.fullmatch(rule, each) for rule in REASONS)] == []
    assert [rule for rule in REASONS if not any(re.fullmatch(rule, each) for each in found)] == []
