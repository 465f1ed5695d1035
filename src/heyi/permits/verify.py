"""Verify a permit token with keys that the verifier already trusts; nothing is fetched."""

from __future__ import annotations

import base64
import json
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from heyi.crypto.canonical import from_canonical
from heyi.crypto.keys import load_public_key
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.permit import Permit
from heyi.permits.issue import ALGORITHM, TYPE
from heyi.permits.payload import from_payload


def public_jwk(public_key: str) -> dict[str, str | list[str]]:
    """The JWK (RFC 8037) of a raw Ed25519 key in hexadecimal."""
    x = base64.urlsafe_b64encode(bytes.fromhex(public_key)).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


def named_holder(token: str) -> str:
    """The holder that a token names, before anything is verified: only to choose the right key.

    Raises:
        VerificationError: it is not a permit token.
    """
    return _parse(token)[1].holder


def _parse(token: str) -> tuple[dict[str, Any], Permit]:
    """The token as a JSON object, and the permit in its payload; no signature is verified."""
    try:
        value = from_canonical(token.encode())
        # JWS leaves out the padding of base64, and the decoder needs it.
        payload = base64.urlsafe_b64decode(value["payload"] + "=" * (-len(value["payload"]) % 4))
        return value, from_payload(payload)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise VerificationError("not a permit token") from None


def verify_permit(token: str, *, issuer: tuple[str, str], holder: tuple[str, str]) -> Permit:
    """Check all three signatures and return the permit.

    `issuer` and `holder` are (name, public key), which the verifier trusts already. The requester's
    key is in the permit: only the owner of this key can use the permit.

    Raises:
        VerificationError: the token is malformed, a signature is missing, surplus or not valid, or
            the permit names another holder.
    """
    value, permit = _parse(token)
    # (1) There are exactly three signers, in this order, and no member that nobody signed.
    expected = [issuer, holder, (permit.requester, permit.requester_key)]
    if permit.holder != holder[0]:
        raise VerificationError(
            f"permit `{permit.id}` is for the holder `{permit.holder}`, not `{holder[0]}`"
        )
    try:
        headers = [
            json.loads(base64.urlsafe_b64decode(s["protected"] + "==")) for s in value["signatures"]
        ]
        surplus = any(set(s) != {"protected", "signature"} for s in value["signatures"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise VerificationError("not a permit token") from None
    if surplus:
        raise VerificationError(f"permit `{permit.id}` carries members that nobody signed")
    wanted = [{"alg": ALGORITHM, "kid": name, "typ": TYPE} for name, _ in expected]
    if headers != wanted or set(value) != {"payload", "signatures"}:
        raise VerificationError(
            f"permit `{permit.id}` is not signed by issuer, holder and requester"
        )
    # (2) Each signature is valid for the same payload.
    for signature, (name, key) in zip(value["signatures"], expected, strict=True):
        try:
            load_public_key(key)
            compact = f"{signature['protected']}.{value['payload']}.{signature['signature']}"
            jws.deserialize_compact(
                compact, OKPKey.import_key(public_jwk(key)), algorithms=[ALGORITHM]
            )
        except (InvalidInput, JoseError, KeyError, ValueError):
            raise VerificationError(
                f"the signature of `{name}` on permit `{permit.id}` does not hold"
            ) from None
    return permit
