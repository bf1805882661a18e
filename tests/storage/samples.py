"""Things to store: some with every member filled in, and strategies that make any there can be."""

from typing import Any

from hypothesis import strategies as st

from dragoman.domain.audit import AuditEntry
from dragoman.domain.credential import (
    Credential,
    ExtraHeader,
    GoogleAdc,
    Placement,
    Sealed,
    SecretReference,
)
from dragoman.domain.deployment import Deployment
from dragoman.domain.grant import Grant
from dragoman.domain.llm import (
    LLM,
    Capability,
    Configuration,
    Known,
    Modality,
    ProtocolName,
    Provenance,
    Provider,
    ReasoningEffort,
    ReasoningFormat,
    Sampling,
    Timeouts,
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
    permissions=("llm:list:any", "llm:use:any"),
    expires_at_ms=1_800_000_000_000,
    revoked_at_ms=1_750_000_000_000,
)
DEPLOYMENT = Deployment(
    "deployment", 1_700_000_000_003, Sealed("kek_0", b"\x00wrapped key", b"\xffsealed key")
)
GRANT = Grant(
    "grant", "org", "env://OPENAI_KEY", ("https://api.openai.com:443",), 1_700_000_000_007
)
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
        provider=Provider.LITELLM_PROXY,
        protocol=ProtocolName.AZURE_OPENAI,
        endpoints=(
            Endpoint("https://a.example", "/v1/chat/completions", "eu"),
            Endpoint("https://b.example:8443", "/chat/completions?api-version=1"),
        ),
        model="gpt-4o-mini",
        deployment_name="mini",
        api_version="2026-01-01",
        sampling=Sampling(
            temperature=0.7,
            max_tokens=2**31 - 1,
            top_p=0.9,
            top_k=40,
            frequency_penalty=-0.5,
            presence_penalty=0.5,
            stop_sequences=("\n\n", "END"),
        ),
        reasoning_effort=ReasoningEffort.HIGH,
        reasoning_format=ReasoningFormat.HIDDEN,
        capabilities={
            Capability.CHAT: Known(supported=True, provenance=Provenance.DECLARED),
            Capability.TOOL_CALLING: Known(supported=False, provenance=Provenance.PROBED),
        },
        modalities=(Modality.TEXT, Modality.IMAGE),
        max_context_length=128_000,
        labels={"env": "prod", "team": ""},
        tags=("fast", "cheap"),
        metadata={"team": "search", "limits": {"daily": 10**30, "share": 0.1}},
        client_config={"colour": "blue"},
        version="2026-07",
        monitoring_endpoint="https://a.example/health",
        timeouts=Timeouts(connect_s=1.5, first_byte_s=20, idle_s=30, total_s=600),
        enabled=False,
    ),
    credential=Credential(
        Placement("authorization", "Bearer "),
        3,
        Sealed("kek_1", b"\x00wrapped\xff", b"\x00sealed\xff"),
        labels={"of": "the search team"},
    ),
    headers=(
        ExtraHeader("x-team", 1, Sealed("kek_1", b"\x01wrapped\xff", b"\x01sealed\xff")),
        ExtraHeader("x-trace", 2, Sealed("kek_2", b"\x02wrapped\xff", b"\x02sealed\xff")),
    ),
    is_default=True,
    zero_data_retention=True,
    connection_key=bytes(range(32)),
    exclusive_key=bytes(range(1, 33)),
    exclusive_name="My LLM",
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
finite = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(1, 2**63 - 1)
samplings = st.builds(
    Sampling,
    temperature=st.none() | finite,
    max_tokens=st.none() | counts,
    top_p=st.none() | finite,
    top_k=st.none() | counts,
    frequency_penalty=st.none() | finite,
    presence_penalty=st.none() | finite,
    stop_sequences=st.lists(texts, max_size=3).map(tuple),
)
labels = st.dictionaries(texts, texts, max_size=3)
configurations = st.builds(
    Configuration,
    display_name=texts,
    description=st.none() | texts,
    provider=st.none() | st.sampled_from(Provider),
    protocol=st.sampled_from(ProtocolName),
    endpoints=st.lists(st.builds(Endpoint, texts, texts, st.none() | texts), max_size=3).map(tuple),
    model=texts,
    deployment_name=st.none() | texts,
    api_version=st.none() | texts,
    sampling=samplings,
    reasoning_effort=st.none() | st.sampled_from(ReasoningEffort),
    reasoning_format=st.none() | st.sampled_from(ReasoningFormat),
    capabilities=st.dictionaries(
        st.sampled_from(Capability),
        st.builds(Known, st.booleans(), st.sampled_from(Provenance)),
        max_size=3,
    ),
    modalities=st.lists(st.sampled_from(Modality), max_size=4, unique=True).map(tuple),
    max_context_length=st.none() | counts,
    labels=labels,
    tags=st.lists(texts, max_size=3).map(tuple),
    metadata=st.dictionaries(texts, json_values, max_size=3),
    client_config=st.none() | st.dictionaries(texts, json_values, max_size=3),
    version=st.none() | texts,
    monitoring_endpoint=st.none() | texts,
    timeouts=st.builds(
        Timeouts,
        connect_s=st.none() | finite,
        first_byte_s=st.none() | finite,
        idle_s=st.none() | finite,
        total_s=st.none() | finite,
    ),
    enabled=st.booleans(),
)
seals = st.builds(Sealed, texts, st.binary(), st.binary())
held = st.builds(SecretReference, texts, st.dictionaries(texts, texts, max_size=2)) | st.builds(
    GoogleAdc, st.lists(texts, max_size=2).map(tuple), st.none() | texts
)
pairs = st.dictionaries(texts, texts, max_size=2)
placements = st.builds(Placement, texts, texts)
credentials = st.builds(Credential, placements, counts, sealed=seals, labels=pairs) | st.builds(
    Credential, placements, counts, held=held, labels=pairs
)
headers = st.lists(
    st.builds(ExtraHeader, st.from_regex(r"x-[a-z]{1,8}", fullmatch=True), counts, seals),
    max_size=3,
    unique_by=lambda header: header.name,
).map(lambda found: tuple(sorted(found, key=lambda header: header.name)))


def llms(id_: str) -> st.SearchStrategy[LLM]:
    """Make any LLM of one id."""
    return st.builds(
        LLM,
        id=st.just(id_),
        organization_id=st.just("org"),
        owner_id=texts,
        configuration=configurations,
        credential=st.none() | credentials,
        headers=headers,
        is_default=st.booleans(),
        zero_data_retention=st.booleans(),
        connection_key=st.none() | st.binary(min_size=32, max_size=32),
        exclusive_key=st.none() | st.binary(min_size=32, max_size=32),
        exclusive_name=st.none() | texts,
        revision=counts,
        created_at_ms=times,
        created_by=texts,
        updated_at_ms=st.none() | times,
        updated_by=st.none() | texts,
    )
