"""Things to store: some with every member filled in, and strategies that make any there can be."""

from typing import Any

from hypothesis import strategies as st

from dragoman.domain.audit import AuditEntry
from dragoman.domain.credential import Credential, CredentialKind, Placement, Sealed
from dragoman.domain.deployment import Deployment
from dragoman.domain.llm import (
    LLM,
    Configuration,
    ProtocolName,
    ReasoningEffort,
    ReasoningFormat,
)
from dragoman.domain.principal import ApiKey, Organization, Principal, Role, Scope
from dragoman.domain.url import Endpoint

ORGANIZATION = Organization("org", "default", 1_700_000_000_000)
SCOPE = Scope("org", None)

PRINCIPAL = Principal("principal", "org", "Ada", Role.EDITOR, 1_700_000_000_001)
API_KEY = ApiKey(
    id="key",
    organization_id="org",
    principal_id="principal",
    name="laptop",
    digest=bytes(range(32)),
    created_at_ms=1_700_000_000_002,
    expires_at_ms=1_800_000_000_000,
    revoked_at_ms=1_750_000_000_000,
)
DEPLOYMENT = Deployment("deployment", 1_700_000_000_003)
AUDIT_ENTRY = AuditEntry(
    id="entry",
    at_ms=1_700_000_000_004,
    organization_id="org",
    actor_id="principal",
    key_id="key",
    action="llm.update",
    target_id="llm",
    members=("display_name", "secret"),
    request_id="req_1",
)
FULL_LLM = LLM(
    id="llm",
    organization_id="org",
    owner_id="principal",
    configuration=Configuration(
        display_name="My LLM",
        description="Ours",
        protocol=ProtocolName.AZURE_OPENAI,
        endpoints=(
            Endpoint("https://a.example", "/v1/chat/completions", "eu"),
            Endpoint("https://b.example:8443", "/chat/completions?api-version=1"),
        ),
        model="gpt-4o-mini",
        deployment_name="mini",
        api_version="2026-01-01",
        temperature=0.7,
        max_tokens=2**31 - 1,
        reasoning_effort=ReasoningEffort.HIGH,
        reasoning_format=ReasoningFormat.HIDDEN,
        tags=("fast", "cheap"),
        metadata={"team": "search", "limits": {"daily": 10**30, "share": 0.1}},
    ),
    credential=Credential(
        CredentialKind.API_KEY,
        Placement("authorization", "Bearer "),
        3,
        Sealed("kek_1", b"\x00wrapped\xff", b"\x00sealed\xff"),
    ),
    enabled=False,
    is_default=True,
    zero_data_retention=True,
    revision=7,
    created_at_ms=1_700_000_000_005,
    created_by="principal",
    updated_at_ms=1_700_000_000_006,
    updated_by="principal",
)


def named_llm(id_: str, display_name: str, **members: Any) -> LLM:
    """Make an LLM of which only the names matter."""
    configuration: dict[str, Any] = {
        "protocol": ProtocolName.OPENAI,
        "endpoints": (Endpoint("https://a.example", "/v1/chat/completions"),),
        "model": "tiny",
    }
    return LLM(
        id=id_,
        organization_id="org",
        owner_id="principal",
        configuration=Configuration(display_name=display_name, **configuration | members),
        created_at_ms=1,
        created_by="principal",
    )


# --- Whatever there can be -------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
"""PostgreSQL does not store U+0000."""
"""Any Unicode but lone surrogates, which are no text in UTF-8."""
times = st.integers(0, 2**53)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**399), 10**399)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
configurations = st.builds(
    Configuration,
    display_name=texts,
    description=st.none() | texts,
    protocol=st.sampled_from(ProtocolName),
    endpoints=st.lists(st.builds(Endpoint, texts, texts, st.none() | texts), max_size=3).map(tuple),
    model=texts,
    deployment_name=st.none() | texts,
    api_version=st.none() | texts,
    temperature=st.none() | st.floats(0, 2),
    max_tokens=st.none() | st.integers(1, 2**63 - 1),
    reasoning_effort=st.none() | st.sampled_from(ReasoningEffort),
    reasoning_format=st.none() | st.sampled_from(ReasoningFormat),
    tags=st.lists(texts, max_size=3).map(tuple),
    metadata=st.dictionaries(texts, json_values, max_size=3),
)
credentials = st.builds(
    Credential,
    st.sampled_from(CredentialKind),
    st.builds(Placement, texts, texts),
    st.integers(1, 2**63 - 1),
    st.builds(Sealed, texts, st.binary(), st.binary()),
)


def llms(id_: str) -> st.SearchStrategy[LLM]:
    """Make any LLM of one id."""
    return st.builds(
        LLM,
        id=st.just(id_),
        organization_id=st.just("org"),
        owner_id=texts,
        configuration=configurations,
        credential=st.none() | credentials,
        enabled=st.booleans(),
        is_default=st.booleans(),
        zero_data_retention=st.booleans(),
        revision=st.integers(1, 2**63 - 1),
        created_at_ms=times,
        created_by=texts,
        updated_at_ms=st.none() | times,
        updated_by=st.none() | texts,
    )
