"""Issuing: a permit as JWS in general JSON form (RFC 7515 section 7.2.1), Ed25519 (RFC 9864), three signatures.

Issuer, holder and requester each sign the same canonical payload: the platform alone can permit nothing.
"""

from __future__ import annotations

from joserfc import jws
from joserfc.jwk import OKPKey

from heyi.crypto.canonical import canonical
from heyi.crypto.keys import Signer
from heyi.model.permit import Permit

TYPE = "heyi-permit+json"
ALGORITHM = "Ed25519"


def issue(permit: Permit, *, issuer: Signer, holder: Signer, requester: Signer) -> str:
    """Sign a permit; the result is canonical JSON text."""
    payload = canonical(permit.to_json())
    signatures = []
    for signer in (issuer, holder, requester):
        header = {"alg": ALGORITHM, "kid": signer.name, "typ": TYPE}
        key = OKPKey.import_key(signer.private)
        protected, body, signature = jws.serialize_compact(
            header, payload, key, algorithms=[ALGORITHM]
        ).split(".")
        signatures.append({"protected": protected, "signature": signature})
    return canonical({"payload": body, "signatures": signatures}).decode()
