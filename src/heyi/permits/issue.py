"""Issue a permit as a token with three Ed25519 signatures.

The token is a JWS in general JSON form (RFC 7515 section 7.2.1, RFC 9864). Issuer, holder and
requester sign the same payload, so the platform alone can permit nothing.
"""

from __future__ import annotations

from joserfc import jws
from joserfc.jwk import OKPKey

from heyi.crypto.canonical import canonical
from heyi.crypto.keys import Signer
from heyi.model.permit import Permit
from heyi.permits.payload import to_payload

TYPE = "heyi-permit+json"
ALGORITHM = "Ed25519"


def issue(permit: Permit, *, issuer: Signer, holder: Signer, requester: Signer) -> str:
    """The signed token of a permit, as canonical JSON text."""
    payload = to_payload(permit)
    signatures = []
    for signer in (issuer, holder, requester):
        header = {"alg": ALGORITHM, "kid": signer.name, "typ": TYPE}
        key = OKPKey.import_key(signer.private)
        # The library makes one signature at a time, as `protected.payload.signature`. The payload
        # is the same in all three, so the token holds it once.
        protected, body, signature = jws.serialize_compact(
            header, payload, key, algorithms=[ALGORITHM]
        ).split(".")
        signatures.append({"protected": protected, "signature": signature})
    return canonical({"payload": body, "signatures": signatures}).decode()
