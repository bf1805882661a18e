"""A sealed secret opens for exactly what it was sealed for."""

from collections.abc import Callable

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.credential import Placement, Sealed
from dragoman.domain.errors import CredentialUnusable, Invalid
from dragoman.domain.llm import LLM, Configuration, ProtocolName
from dragoman.domain.url import Endpoint
from dragoman.vault.envelope import Binding, Vault, binding
from dragoman.vault.keys import Keyring, key_id
from dragoman.vault.secret import Secret

PLAIN = "sk-plain-4f1d7c"
KEK, OTHER_KEK = b"k" * 32, b"o" * 32
DEPLOYMENT = "0190a3f2-0000-7000-8000-00000000d001"
A, B, C = "https://a.example:443", "https://b.example:443", "https://c.example:443"

VAULT = Vault(Keyring({key_id(KEK): KEK}), DEPLOYMENT)

BINDING = Binding(
    organization_id="organization-1",
    llm_id="llm-1",
    field="credential",
    generation=1,
    origins=(A, B),
    placement=Placement("Authorization", "Bearer "),
)


def changed(**members: object) -> Binding:
    return msgspec.structs.replace(BINDING, **members)


OTHER_USES = {
    "another organization": changed(organization_id="organization-2"),
    "another LLM": changed(llm_id="llm-2"),
    "organization and LLM exchanged": changed(organization_id="llm-1", llm_id="organization-1"),
    "another field": changed(field="headers"),
    "an older generation": changed(generation=0),
    "a newer generation": changed(generation=2),
    "an origin more": changed(origins=(A, B, C)),
    "an origin less": changed(origins=(A,)),
    "another origin": changed(origins=(A, C)),
    "origins in another order": changed(origins=(B, A)),
    "origins run together": changed(origins=(f"{A},{B}",)),
    "no origin": changed(origins=()),
    "another header": changed(placement=Placement("x-api-key", "Bearer ")),
    "another prefix": changed(placement=Placement("Authorization", "Basic ")),
    "no prefix": changed(placement=Placement("Authorization")),
    "a prefix moved into the header": changed(placement=Placement("AuthorizationBearer ")),
}

utf8_texts = st.text(st.characters(codec="utf-8"))
few_texts = st.sampled_from(["", "a", "b", "ab", '"', '","', "\\", "a\x00", "null"])
bindings = st.builds(
    Binding,
    organization_id=few_texts,
    llm_id=few_texts,
    field=few_texts,
    generation=st.integers(0, 2),
    origins=st.lists(few_texts, max_size=2).map(tuple),
    placement=st.builds(Placement, few_texts, few_texts),
)


def does_not_open(vault: Vault, sealed: Sealed, use: Binding) -> None:
    """Check that opening fails as it should: one error of ours, and nothing secret in it."""
    with pytest.raises(CredentialUnusable) as refused:
        vault.open(sealed, use)
    error: BaseException | None = refused.value
    assert isinstance(refused.value.message, str)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    while error is not None:
        assert isinstance(error, CredentialUnusable | InvalidTag | ValueError)
        assert PLAIN not in f"{error} {error!r}"
        error = error.__context__


def flipped(data: bytes, bit: int) -> bytes:
    place, bit = divmod(bit % (8 * len(data)), 8)
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


class TestSealAndOpen:
    @given(utf8_texts, bindings)
    def test_what_is_sealed_opens_to_the_same_text(self, text: str, use: Binding) -> None:
        assert VAULT.open(VAULT.seal(Secret(text), use), use).reveal() == text

    @given(bindings, bindings)
    def test_it_opens_for_no_other_use(self, use: Binding, other: Binding) -> None:
        sealed = VAULT.seal(Secret(PLAIN), use)
        if use == other:
            assert VAULT.open(sealed, other).reveal() == PLAIN
        else:
            does_not_open(VAULT, sealed, other)

    @pytest.mark.parametrize("use", OTHER_USES.values(), ids=OTHER_USES)
    def test_it_does_not_open_for(self, use: Binding) -> None:
        does_not_open(VAULT, VAULT.seal(Secret(PLAIN), BINDING), use)
        does_not_open(VAULT, VAULT.seal(Secret(PLAIN), use), BINDING)

    def test_a_header_is_the_same_in_another_case(self) -> None:
        lower = changed(placement=Placement("authorization", "Bearer "))
        assert VAULT.open(VAULT.seal(Secret(PLAIN), BINDING), lower).reveal() == PLAIN

    def test_where_a_header_ends_and_its_prefix_begins_is_bound_too(self) -> None:
        one, other = (
            changed(placement=Placement(*parts)) for parts in (("a", "b: "), ("a: b", ""))
        )
        does_not_open(VAULT, VAULT.seal(Secret(PLAIN), one), other)

    def test_it_does_not_open_in_another_deployment(self) -> None:
        other = Vault(Keyring({key_id(KEK): KEK}), "0190a3f2-0000-7000-8000-00000000d002")
        does_not_open(other, VAULT.seal(Secret(PLAIN), BINDING), BINDING)

    def test_it_does_not_open_without_its_kek_and_the_error_names_it(self) -> None:
        other = Vault(Keyring({key_id(OTHER_KEK): OTHER_KEK}), DEPLOYMENT)
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        does_not_open(other, sealed, BINDING)
        with pytest.raises(CredentialUnusable, match=rf"under {key_id(KEK)}, which is not in the"):
            other.open(sealed, BINDING)

    def test_it_does_not_open_under_a_kek_that_only_has_the_same_id(self) -> None:
        other = Vault(Keyring({key_id(KEK): OTHER_KEK}), DEPLOYMENT)
        does_not_open(other, VAULT.seal(Secret(PLAIN), BINDING), BINDING)

    def test_it_opens_after_another_kek_was_promoted(self) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        rotated = Vault(Keyring({key_id(OTHER_KEK): OTHER_KEK, key_id(KEK): KEK}), DEPLOYMENT)
        assert rotated.open(sealed, BINDING).reveal() == PLAIN
        assert sealed.kek_id == key_id(KEK)
        assert rotated.seal(Secret(PLAIN), BINDING).kek_id == key_id(OTHER_KEK)


class TestTampering:
    @given(st.integers(0, 8 * 1000))
    def test_no_bit_of_the_wrapped_key_can_change(self, bit: int) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        tampered = Sealed(sealed.kek_id, flipped(sealed.wrapped_dek, bit), sealed.ciphertext)
        does_not_open(VAULT, tampered, BINDING)

    @given(st.integers(0, 8 * 1000))
    def test_no_bit_of_the_ciphertext_can_change(self, bit: int) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        tampered = Sealed(sealed.kek_id, sealed.wrapped_dek, flipped(sealed.ciphertext, bit))
        does_not_open(VAULT, tampered, BINDING)

    @given(st.text())
    def test_no_other_text_stands_for_the_keks_id(self, kek_id: str) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        does_not_open(VAULT, msgspec.structs.replace(sealed, kek_id=kek_id), BINDING)

    def test_the_id_of_another_kek_that_is_there_does_not_stand_for_it_either(self) -> None:
        both = Vault(Keyring({key_id(KEK): KEK, key_id(OTHER_KEK): OTHER_KEK}), DEPLOYMENT)
        sealed = both.seal(Secret(PLAIN), BINDING)
        does_not_open(both, msgspec.structs.replace(sealed, kek_id=key_id(OTHER_KEK)), BINDING)

    def test_the_keks_id_is_bound_even_where_two_ids_stand_for_one_key(self) -> None:
        aliased = Vault(Keyring({"kek_one": KEK, "kek_two": KEK}), DEPLOYMENT)
        sealed = aliased.seal(Secret(PLAIN), BINDING)
        does_not_open(aliased, msgspec.structs.replace(sealed, kek_id="kek_two"), BINDING)

    @pytest.mark.parametrize("cut", [lambda box, size: box[:size], lambda box, size: box[size:]])
    def test_no_part_of_it_opens(self, cut: Callable[[bytes, int], bytes]) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        for size in range(1, len(sealed.wrapped_dek)):
            wrapped = cut(sealed.wrapped_dek, size)
            does_not_open(VAULT, Sealed(sealed.kek_id, wrapped, sealed.ciphertext), BINDING)
        for size in range(1, len(sealed.ciphertext)):
            ciphertext = cut(sealed.ciphertext, size)
            does_not_open(VAULT, Sealed(sealed.kek_id, sealed.wrapped_dek, ciphertext), BINDING)

    @pytest.mark.parametrize("rest", [b"", b"\0", b"x" * 100], ids=repr)
    def test_nothing_else_opens(self, rest: bytes) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        does_not_open(VAULT, Sealed(sealed.kek_id, rest, rest), BINDING)
        does_not_open(VAULT, Sealed(sealed.kek_id, sealed.wrapped_dek, rest), BINDING)
        does_not_open(VAULT, Sealed(sealed.kek_id, rest, sealed.ciphertext), BINDING)

    def test_parts_of_two_seals_do_not_open_together(self) -> None:
        one, other = (VAULT.seal(Secret(PLAIN), BINDING) for _ in range(2))
        does_not_open(VAULT, Sealed(one.kek_id, one.wrapped_dek, other.ciphertext), BINDING)

    def test_ciphertext_and_wrapped_key_cannot_stand_for_each_other(self) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        does_not_open(VAULT, Sealed(sealed.kek_id, sealed.ciphertext, sealed.wrapped_dek), BINDING)


class TestSealing:
    def test_two_seals_of_one_secret_have_nothing_in_common(self) -> None:
        one, other = (VAULT.seal(Secret(PLAIN), BINDING) for _ in range(2))
        assert one.wrapped_dek[:12] != other.wrapped_dek[:12]
        assert one.wrapped_dek[12:] != other.wrapped_dek[12:]
        assert one.ciphertext[:12] != other.ciphertext[:12]
        assert one.ciphertext[12:] != other.ciphertext[12:]

    def test_each_seal_has_a_data_key_and_nonces_of_its_own(self) -> None:
        seals = [VAULT.seal(Secret(PLAIN), BINDING) for _ in range(50)]
        nonces = {box[:12] for sealed in seals for box in (sealed.wrapped_dek, sealed.ciphertext)}
        assert len(nonces) == 100

    def test_what_lies_on_disk_does_not_hold_the_secret(self) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        assert PLAIN.encode() not in sealed.ciphertext + sealed.wrapped_dek
        assert PLAIN not in f"{sealed!r} {sealed} {VAULT!r} {BINDING!r}"

    def test_what_is_opened_is_a_secret_again(self) -> None:
        opened = VAULT.open(VAULT.seal(Secret(PLAIN), BINDING), BINDING)
        assert repr(opened) == "Secret(****)"


class TestRebinding:
    @pytest.mark.parametrize(
        "origins", [(A, B), (B, A), (A,), (B,), (), (A, A)], ids=lambda origins: str(len(origins))
    )
    def test_a_narrower_or_reordered_use_needs_no_secret(self, origins: tuple[str, ...]) -> None:
        new = changed(origins=origins)
        rebound = VAULT.rebind(VAULT.seal(Secret(PLAIN), BINDING), BINDING, new)
        assert VAULT.open(rebound, new).reveal() == PLAIN

    def test_what_was_narrowed_does_not_open_for_the_old_use(self) -> None:
        rebound = VAULT.rebind(VAULT.seal(Secret(PLAIN), BINDING), BINDING, changed(origins=(A,)))
        does_not_open(VAULT, rebound, BINDING)

    def test_what_was_narrowed_cannot_be_widened_again(self) -> None:
        narrow = changed(origins=(A,))
        rebound = VAULT.rebind(VAULT.seal(Secret(PLAIN), BINDING), BINDING, narrow)
        with pytest.raises(Invalid):
            VAULT.rebind(rebound, narrow, BINDING)

    @pytest.mark.parametrize(
        "new",
        [
            changed(origins=(A, B, C)),
            changed(origins=(A, C)),
            changed(origins=(C,)),
            changed(origins=("http://a.example:443",)),
            changed(origins=("https://a.example:8443",)),
            changed(origins=("https://x.a.example:443",)),
            changed(placement=Placement("x-api-key")),
            changed(placement=Placement("x-api-key", "Bearer ")),
            changed(placement=Placement("Authorization")),
            changed(origins=(A,), placement=Placement("x-api-key")),
        ],
        ids=lambda new: f"{new.origins} {new.placement}",
    )
    def test_a_new_origin_or_a_moved_header_needs_the_secret_again(self, new: Binding) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        with pytest.raises(Invalid) as refused:
            VAULT.rebind(sealed, BINDING, new)
        (problem,) = refused.value.problems
        assert (problem.path, problem.code) == (("secret",), "secret_required")
        assert PLAIN not in f"{refused.value} {refused.value!r}"

    def test_the_same_header_in_another_case_needs_no_secret(self) -> None:
        new = changed(placement=Placement("authorization", "Bearer "))
        rebound = VAULT.rebind(VAULT.seal(Secret(PLAIN), BINDING), BINDING, new)
        assert VAULT.open(rebound, new).reveal() == PLAIN

    def test_a_secret_that_does_not_open_is_not_rebound(self) -> None:
        sealed = VAULT.seal(Secret(PLAIN), changed(llm_id="llm-2"))
        with pytest.raises(CredentialUnusable):
            VAULT.rebind(sealed, BINDING, changed(origins=(A,)))

    def test_an_old_use_that_is_claimed_wider_than_it_was_does_not_help(self) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        with pytest.raises(CredentialUnusable):
            VAULT.rebind(sealed, changed(origins=(A, B, C)), changed(origins=(C,)))

    def test_a_promoted_kek_is_taken_at_the_next_change(self) -> None:
        sealed = VAULT.seal(Secret(PLAIN), BINDING)
        rotated = Vault(Keyring({key_id(OTHER_KEK): OTHER_KEK, key_id(KEK): KEK}), DEPLOYMENT)
        rebound = rotated.rebind(sealed, BINDING, changed(origins=(A,)))
        assert rebound.kek_id == key_id(OTHER_KEK)


def test_an_llms_credential_is_bound_to_its_row_its_origins_and_its_header() -> None:
    urls = ("https://B.example/v1", "https://a.example/v1/messages", "https://b.example:443/v2")
    llm = LLM(
        id="llm-1",
        organization_id="organization-1",
        owner_id="principal-1",
        configuration=Configuration(
            display_name="my-llm",
            protocol=ProtocolName.OPENAI,
            endpoints=tuple(Endpoint.parse(url) for url in urls),
            model="tiny",
        ),
        created_at_ms=0,
        created_by="principal-1",
    )
    assert binding(llm, Placement("Authorization", "Bearer "), 7) == changed(generation=7)
