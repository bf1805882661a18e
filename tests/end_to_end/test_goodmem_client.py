"""Programs that use `goodmem-client`, older and stricter, work with another URL and key."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import goodmem_client as old
import pytest
from goodmem_client import exceptions
from goodmem_client.api.llms_api import LLMsApi
from goodmem_client.api.ping_api import PingApi

from tests.end_to_end.conftest import ENGINE_KEY
from tests.end_to_end.goodmem import BASES, ENDPOINT_URL, old_client, sdk
from tests.engine.server import Engine
from tests.running import RunningDragoman


@pytest.fixture(params=BASES, ids=["host", "prefix"])
def client(dragoman: RunningDragoman, request: pytest.FixtureRequest) -> Iterator[old.ApiClient]:
    """Give the client, at each of the two places."""
    with old_client(dragoman, base=request.param) as client:
        yield client


@pytest.fixture
def llms(client: old.ApiClient) -> LLMsApi:
    """Give its methods for LLMs."""
    return LLMsApi(client)


def asked(**members: Any) -> old.LLMCreationRequest:
    """Write a registration that nobody else has; names, as the model calls its members."""
    name = f"llm-{uuid.uuid4()}"
    return old.LLMCreationRequest(
        **{
            "display_name": name,
            "provider_type": "CUSTOM_OPENAI_COMPATIBLE",
            "endpoint_url": ENDPOINT_URL,
            "model_identifier": f"model-of-{name}",
        }
        | members
    )


def with_key(secret: str) -> old.EndpointAuthentication:
    """Write a credential."""
    return old.EndpointAuthentication(
        kind="CREDENTIAL_KIND_API_KEY", api_key=old.ApiKeyAuth(inline_secret=secret)
    )


def test_what_is_registered_is_read_listed_changed_and_deleted(llms: LLMsApi) -> None:
    made = llms.create_llm(asked(credentials=with_key("sk-4f1d7c-secret"), description=None)).llm
    assert llms.get_llm(made.llm_id) == made
    assert made in (llms.list_llms().llms or [])
    assert llms.list_llms(owner_id=made.owner_id, provider_type="OPENAI").llms is not None
    changed = llms.update_llm(
        made.llm_id, old.LLMUpdateRequest(display_name="another", description=None, version="2")
    )
    assert (changed.display_name, changed.version) == ("another", "2")
    assert changed.credentials is None
    llms.delete_llm(made.llm_id)
    with pytest.raises(exceptions.NotFoundException):
        llms.get_llm(made.llm_id)


def test_every_member_comes_back_as_it_went_in(llms: LLMsApi) -> None:
    sampling = old.LLMSamplingParams(
        max_tokens=256, temperature=0.7, top_p=0.9, stop_sequences=["END"]
    )
    flags = old.LLMCapabilities(
        supports_chat=True,
        supports_completion=True,
        supports_function_calling=True,
        supports_system_messages=True,
        supports_streaming=True,
        supports_sampling_parameters=True,
    )
    made = llms.create_llm(
        asked(
            default_sampling_params=sampling,
            capabilities=flags,
            supported_modalities=["TEXT", "AUDIO"],
            max_context_length=4096,
            client_config={"retries": {"most": 3}},
            labels={"team": "search"},
        )
    ).llm
    assert made.default_sampling_params is not None
    assert made.default_sampling_params.to_dict().items() >= sampling.to_dict().items()
    assert made.capabilities == flags
    assert [each.value for each in made.supported_modalities] == ["TEXT", "AUDIO"]
    assert (made.max_context_length, made.client_config) == (4096, {"retries": {"most": 3}})
    assert made.labels == {"team": "search"}


def test_what_it_does_not_know_does_not_break_its_list(
    dragoman: RunningDragoman, llms: LLMsApi
) -> None:
    with sdk(dragoman) as newer:
        made = newer.llms.create(
            display_name="qwen",
            provider_type="DASHSCOPE",
            endpoint_url="https://models.example.com/dashscope/v1",
            model_identifier=f"qwen-{uuid.uuid4()}",
            api_key="sk-4f1d7c-secret",
        ).llm
        assert newer.llms.get(id=made.llm_id).provider_type == "DASHSCOPE"
        assert newer.llms.get(id=made.llm_id).dashscope_api_dialect == "OPENAI_COMPATIBLE"
    shown = {llm.llm_id: llm for llm in llms.list_llms().llms or []}
    assert shown[made.llm_id].provider_type == "CUSTOM_OPENAI_COMPATIBLE"


def test_a_ping_is_answered_and_its_events_are_read_from_the_raw_stream(
    client: old.ApiClient, llms: LLMsApi, engine: Engine
) -> None:
    made = llms.create_llm(
        asked(endpoint_url=engine.base_url, credentials=with_key(ENGINE_KEY))
    ).llm
    ping = PingApi(client)
    once = ping.ping_once(old.PingOnceRequest(target_id=made.llm_id))
    assert (once.ok, once.http_status) == (True, 200)
    answer = ping.ping_stream_without_preload_content(
        old.PingStreamRequest(target_id=made.llm_id, count=2, interval_ms=100)
    )
    events = [json.loads(line) for line in answer.data.decode().splitlines() if line]
    assert [next(iter(event)) for event in events] == ["result", "result", "summary"]


# --- Errors ----------------------------------------------------------------------------------


def test_each_failure_is_the_exception_of_its_status(
    dragoman: RunningDragoman, llms: LLMsApi
) -> None:
    made = llms.create_llm(asked()).llm
    same = asked(model_identifier=made.model_identifier)
    with pytest.raises(exceptions.ConflictException, match="ALREADY_EXISTS"):
        llms.create_llm(same)
    with pytest.raises(exceptions.BadRequestException, match="INVALID_ARGUMENT"):
        llms.create_llm(asked(endpoint_url="not a URL"))
    both = old.LLMUpdateRequest(replace_labels={"a": "b"}, merge_labels={"c": "d"})
    with pytest.raises(exceptions.BadRequestException, match="INVALID_ARGUMENT"):
        llms.update_llm(made.llm_id, both)
    with pytest.raises(exceptions.NotFoundException, match="NOT_FOUND"):
        llms.delete_llm(str(uuid.UUID(int=7)))
    nobody, viewer = (
        old_client(dragoman, key) for key in ("gm_nobody", dragoman.new_key("viewer"))
    )
    with nobody as client, pytest.raises(exceptions.UnauthorizedException, match="UNAUTHENTICATED"):
        LLMsApi(client).list_llms()
    with viewer as client, pytest.raises(exceptions.ForbiddenException, match="CREATE_LLM_OWN"):
        LLMsApi(client).create_llm(asked())
