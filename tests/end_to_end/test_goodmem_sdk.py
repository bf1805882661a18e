"""Programs that use `goodmem` work with another URL and key: each method and each error."""

import uuid
from collections.abc import Iterator

import pytest
from goodmem import Goodmem, errors
from goodmem.models.api_key_auth import ApiKeyAuth
from goodmem.models.credential_kind import CredentialKind
from goodmem.models.endpoint_authentication import EndpointAuthentication
from goodmem.models.llm_capabilities import LLMCapabilities
from goodmem.models.llm_sampling_params import LLMSamplingParams
from goodmem.models.llm_update_request import LLMUpdateRequest
from openai import OpenAI

from tests.end_to_end.conftest import ENGINE_KEY
from tests.end_to_end.goodmem import BASES, async_sdk, new_llm, sdk
from tests.engine.language import plain_answer
from tests.engine.server import Engine
from tests.running import RunningDragoman

NOBODY = str(uuid.UUID(int=7))


@pytest.fixture(params=BASES, ids=["host", "prefix"])
def goodmem(dragoman: RunningDragoman, request: pytest.FixtureRequest) -> Iterator[Goodmem]:
    """Give the client, at each of the two places."""
    with sdk(dragoman, base=request.param) as client:
        yield client


@pytest.fixture
def name() -> str:
    """Give a name that nothing has."""
    return f"llm-{uuid.uuid4()}"


def test_what_is_registered_is_read_listed_changed_and_deleted(goodmem: Goodmem, name: str) -> None:
    made = goodmem.llms.create(
        **new_llm(name, description="for avatars", labels={"env": name}, api_key="sk-4f1d7c-secret")
    ).llm
    assert goodmem.llms.get(id=made.llm_id) == made
    assert made in goodmem.llms.list()
    assert goodmem.llms.list(label={"env": name}) == [made]
    assert goodmem.llms.list(label={"env": name}, owner_id=made.owner_id) == [made]
    assert goodmem.llms.list(label={"env": name}, provider_type="OPENAI") == []
    changed = goodmem.llms.update(
        id=made.llm_id, request=LLMUpdateRequest(display_name="another", merge_labels={"tier": "a"})
    )
    assert changed.display_name == "another"
    assert changed.labels == {"env": name, "tier": "a"}
    assert changed.updated_at >= made.updated_at
    assert changed.description == "for avatars"
    goodmem.llms.delete(id=made.llm_id)
    with pytest.raises(errors.NotFoundError):
        goodmem.llms.get(id=made.llm_id)


def test_every_member_comes_back_as_it_went_in(goodmem: Goodmem, name: str) -> None:
    sampling = LLMSamplingParams(
        max_tokens=256,
        temperature=0.7,
        top_p=0.9,
        top_k=40,
        frequency_penalty=0.5,
        presence_penalty=-0.5,
        stop_sequences=["END", "\n\n"],
    )
    capabilities = LLMCapabilities(
        supports_chat=True,
        supports_completion=False,
        supports_function_calling=False,
        supports_system_messages=True,
        supports_streaming=True,
        supports_sampling_parameters=True,
    )
    chosen = str(uuid.uuid4())
    made = goodmem.llms.create(
        **new_llm(
            name,
            llm_id=chosen,
            provider_type="VLLM",
            api_path="/chat/completions",
            description="each member",
            version="2026-11",
            monitoring_endpoint="https://models.example.com/health",
            supported_modalities=["TEXT", "IMAGE"],
            capabilities=capabilities,
            default_sampling_params=sampling,
            max_context_length=32_768,
            client_config={"retries": {"most": 3}},
            labels={"team": "search"},
        )
    )
    llm = made.llm
    assert not made.statuses
    assert (llm.llm_id, llm.provider_type) == (chosen, "VLLM")
    assert (llm.endpoint_url, llm.api_path) == (
        "https://models.example.com/v1",
        "/chat/completions",
    )
    assert (llm.version, llm.monitoring_endpoint) == (
        "2026-11",
        "https://models.example.com/health",
    )
    assert llm.supported_modalities == ["TEXT", "IMAGE"]
    assert llm.capabilities == capabilities
    assert llm.default_sampling_params == sampling
    assert (llm.max_context_length, llm.client_config) == (32_768, {"retries": {"most": 3}})
    assert llm.credentials is None
    assert llm.created_by_id == llm.updated_by_id == llm.owner_id
    assert llm.created_at == llm.updated_at > 1_700_000_000_000


def test_what_is_not_said_is_inferred_and_each_inference_is_told(
    goodmem: Goodmem, name: str
) -> None:
    made = goodmem.llms.create(
        display_name=name,
        provider_type="OPENAI",
        endpoint_url=f"https://{name}.example.com/v1",
        model_identifier="gpt-5-nano",
        api_key="sk-4f1d7c-secret",
    )
    flags = made.llm.capabilities
    assert flags is not None
    assert (flags.supports_chat, flags.supports_function_calling) == (True, True)
    assert flags.supports_sampling_parameters is False
    told = [status.message for status in made.statuses or [] if status.code]
    assert {status.code for status in made.statuses or []} == {"LLM_CAPABILITY_INFERRED"}
    for flag in ("chat", "completion", "function_calling", "system_messages", "streaming"):
        assert sum(f"supports_{flag} " in message for message in told) == 1, flag
    assert any("sampling_parameters" in message and "false" in message for message in told)
    assert all("gpt-5" in message for message in told)


def test_what_goodmem_registers_is_called_by_its_name(
    goodmem: Goodmem, openai: OpenAI, engine: Engine, name: str
) -> None:
    credentials = EndpointAuthentication(
        kind=CredentialKind.CREDENTIAL_KIND_API_KEY, api_key=ApiKeyAuth(inline_secret=ENGINE_KEY)
    )
    goodmem.llms.create(
        **new_llm(name, endpoint_url=engine.base_url, provider_type="LLAMA_CPP"),
        credentials=credentials,
    )
    answer = openai.chat.completions.create(
        model=name,
        messages=[{"role": "user", "content": "Tell me about Berlin."}],
        temperature=0,
    )
    assert answer.choices[0].message.content == plain_answer("Berlin")


async def test_the_asynchronous_client_does_the_same(dragoman: RunningDragoman, name: str) -> None:
    async with async_sdk(dragoman) as client:
        made = (await client.llms.create(**new_llm(name))).llm
        assert await client.llms.get(id=made.llm_id) == made
        assert made in await client.llms.list()
        changed = await client.llms.update(id=made.llm_id, request={"version": "2"})
        assert changed.version == "2"
        await client.llms.delete(id=made.llm_id)
        with pytest.raises(errors.NotFoundError):
            await client.llms.delete(id=made.llm_id)


# --- Errors ----------------------------------------------------------------------------------


def test_a_second_registration_of_one_connection_is_a_conflict(goodmem: Goodmem, name: str) -> None:
    goodmem.llms.create(**new_llm(name))
    with pytest.raises(errors.ConflictError) as refused:
        goodmem.llms.create(**new_llm(name, endpoint_url="HTTPS://Models.Example.com:443/v1/"))
    assert refused.value.response is not None
    assert refused.value.response.json()["code"] == "ALREADY_EXISTS"
    other = goodmem.llms.create(**new_llm(name, model_identifier=f"{name}-2")).llm
    with pytest.raises(errors.ConflictError):
        goodmem.llms.update(id=other.llm_id, request={"model_identifier": f"model-of-{name}"})
    assert goodmem.llms.get(id=other.llm_id) == other


def test_an_id_that_is_taken_is_a_conflict(goodmem: Goodmem, name: str) -> None:
    made = goodmem.llms.create(**new_llm(name)).llm
    with pytest.raises(errors.ConflictError):
        goodmem.llms.create(**new_llm(f"{name}-2", llm_id=made.llm_id))


def test_a_key_that_is_none_is_not_authenticated(dragoman: RunningDragoman) -> None:
    with sdk(dragoman, key="gm_nobody") as client:
        for ask in (client.llms.list, lambda: client.ping.once(target_id=NOBODY)):
            with pytest.raises(errors.AuthenticationError, match="UNAUTHENTICATED"):
                ask()


def test_a_role_that_may_not_is_told_which_permission_is_missing(
    dragoman: RunningDragoman, name: str
) -> None:
    viewing = sdk(dragoman, dragoman.new_key("viewer"))
    missing = pytest.raises(errors.PermissionDeniedError, match="CREATE_LLM_OWN")
    with viewing as viewer, missing:
        viewer.llms.create(**new_llm(name))
    with sdk(dragoman) as admin, sdk(dragoman, dragoman.new_key("editor")) as editor:
        made = admin.llms.create(**new_llm(name)).llm
        assert editor.llms.get(id=made.llm_id) == made
        with pytest.raises(errors.PermissionDeniedError, match="UPDATE_LLM_ANY"):
            editor.llms.update(id=made.llm_id, request={"version": "2"})
        with pytest.raises(errors.PermissionDeniedError, match="DELETE_LLM_ANY"):
            editor.llms.delete(id=made.llm_id)
        with pytest.raises(errors.PermissionDeniedError, match="CREATE_LLM_ANY"):
            editor.llms.create(**new_llm(f"{name}-2", owner_id=made.owner_id))
        with pytest.raises(errors.PermissionDeniedError, match="READ_LLM_CREDENTIALS"):
            admin.llms.get(id=made.llm_id, include_credentials=True)


def test_a_secret_does_not_follow_to_another_host(goodmem: Goodmem, name: str) -> None:
    made = goodmem.llms.create(**new_llm(name), api_key="sk-4f1d7c-secret").llm
    with pytest.raises(errors.BadRequestError, match="SECRET_REQUIRED"):
        goodmem.llms.update(id=made.llm_id, request={"endpoint_url": "https://evil.example/v1"})
    assert goodmem.llms.get(id=made.llm_id) == made


REFUSED = {
    "no name": {"display_name": ""},
    "a long name": {"display_name": "x" * 256},
    "no URL": {"endpoint_url": "not a URL"},
    "a query in the URL": {"endpoint_url": "https://models.example.com/v1?key=1"},
    "a fragment in the URL": {"endpoint_url": "https://models.example.com/v1#x"},
    "a context of no length": {"max_context_length": 0},
    "too many labels": {"labels": {f"k{n}": "v" for n in range(21)}},
    "an id that is none": {"llm_id": "mine"},
    "an unknown owner": {"owner_id": NOBODY},
    "a dialect of another provider": {"dashscope_api_dialect": "LLM_NATIVE_TEXT"},
}


@pytest.mark.parametrize("members", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_registered_is_a_bad_request(
    goodmem: Goodmem, name: str, members: dict[str, object]
) -> None:
    with pytest.raises(errors.BadRequestError, match="INVALID_ARGUMENT"):
        goodmem.llms.create(**new_llm(name, **members))
    assert [llm for llm in goodmem.llms.list() if llm.display_name == name] == []


def test_nothing_of_another_organization_is_seen(dragoman: RunningDragoman, name: str) -> None:
    assert dragoman.cli("org", "create", "--name", name).returncode == 0
    made = dragoman.cli(
        "key", "create", "--org", name, "--role", "admin", "--name", name, "--plain"
    )
    with sdk(dragoman) as ours, sdk(dragoman, made.stdout.strip()) as theirs:
        chosen = str(uuid.uuid4())
        own = ours.llms.create(**new_llm(name, llm_id=chosen)).llm
        with pytest.raises(errors.NotFoundError) as unseen:
            theirs.llms.get(id=chosen)
        with pytest.raises(errors.NotFoundError) as absent:
            theirs.llms.get(id=NOBODY)
        assert unseen.value.body == absent.value.body
        same = theirs.llms.create(**new_llm(name, llm_id=chosen)).llm
        assert same.llm_id == own.llm_id
        assert same.owner_id != own.owner_id
        theirs.llms.delete(id=chosen)
        assert ours.llms.get(id=chosen) == own
