"""Between GoodMem's credentials and the domain's. Pure."""

from dragoman.dialects.goodmem import schema, shown
from dragoman.domain.credential import Credential, GoogleAdc, Held, Placement, SecretReference
from dragoman.domain.llm import ProtocolName
from dragoman.protocols.placement import BEARER
from dragoman.protocols.placement import placement as wire_placement
from dragoman.registry.asked import AskedCredential
from dragoman.vault.secret import MASK, Secret


def asked(body: schema.Credentials, protocol: ProtocolName) -> AskedCredential | None:
    """Read credentials, as a whole; None where their kind is unspecified.

    A header that is not named is the one of the wire format: `Authorization` for every LLM that is
    registered here.
    """
    labels = body.labels or {}
    if body.gcp_adc is not None:
        scopes = tuple(body.gcp_adc.scopes or ())
        held: Held = GoogleAdc(scopes, body.gcp_adc.quota_project_id)
        return AskedCredential(None, BEARER, held, labels)
    if body.api_key is None:
        return None
    place = _placement(body.api_key, protocol)
    reference = body.api_key.secret_ref
    if reference is not None:
        held = SecretReference(reference.uri, reference.hints or {})
        return AskedCredential(None, place, held, labels)
    return AskedCredential(Secret(body.api_key.inline_secret or ""), place, None, labels)


def _placement(body: schema.ApiKey, protocol: ProtocolName) -> Placement:
    header = wire_placement(protocol).header if body.header_name is None else body.header_name
    return Placement.named(header, body.prefix)


def written(stored: Credential) -> shown.Credentials:
    """Show credentials; a mask stands for a secret, without which GoodMem's client reads none."""
    labels = dict(stored.labels)
    match stored.held:
        case GoogleAdc(scopes=scopes, quota_project_id=project):
            return shown.Credentials(
                kind="CREDENTIAL_KIND_GCP_ADC",
                gcp_adc=shown.GcpAdc(scopes=list(scopes), quota_project_id=project),
                labels=labels,
            )
        case SecretReference(uri=uri, hints=hints):
            reference = shown.SecretReference(uri=uri, hints=dict(hints))
            api_key = _api_key(stored.placement, secret_ref=reference)
        case None:
            api_key = _api_key(stored.placement, inline_secret=MASK)
    return shown.Credentials(kind="CREDENTIAL_KIND_API_KEY", api_key=api_key, labels=labels)


def _api_key(place: Placement, **secret: str | shown.SecretReference) -> shown.ApiKey:
    return shown.ApiKey.model_validate(
        secret | {"header_name": place.header, "prefix": place.prefix}
    )
