"""A permit is exactly what issuer, holder and requester signed; anything else is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.canonical import canonical, from_canonical
from heyi.crypto.codec import to_json
from heyi.crypto.keys import Signer
from heyi.model.errors import VerificationError
from heyi.model.permit import Permit
from heyi.permits.issue import TYPE, issue
from heyi.permits.verify import verify_permit

ISSUER = Signer.from_seed("platform", b"i" * 32)
HOLDER = Signer.from_seed("county-hospital", b"h" * 32)
REQUESTER = Signer.from_seed("lab", b"r" * 32)
STRANGER = Signer.from_seed("lab", b"x" * 32)

PERMIT = Permit(
    id="p-1",
    case="diabetes-2026",
    asset="county-checkups",
    data="03",
    holder=HOLDER.name,
    audience=HOLDER.name,
    requester=REQUESTER.name,
    requester_key=REQUESTER.public_key,
    purpose="research",
    delivery="federated",
    kinds=("age", "sbp"),
    operations={"count": "sha256:00", "logistic": "sha256:01"},
    min_cell=10,
    max_calls=3,
    obligations=("destroy-after-use",),
    conditions=(),
    issued_at=1_796_097_600,
    expires_at=1_803_873_600,
    decision=17,
    rulebook="sha256:02",
)


FIELDS: dict[str, Any] = to_json(PERMIT)


def issued(
    permit: Permit = PERMIT,
    *,
    issuer: Signer = ISSUER,
    holder: Signer = HOLDER,
    requester: Signer = REQUESTER,
) -> str:
    return issue(permit, issuer=issuer, holder=holder, requester=requester)


def verify(token: str, issuer: Signer = ISSUER, holder: Signer = HOLDER) -> Permit:
    return verify_permit(
        token, issuer=(issuer.name, issuer.public_key), holder=(holder.name, holder.public_key)
    )


TOKEN = issued()


def parts() -> dict[str, Any]:
    """The token as a value that a test may spoil."""
    value: dict[str, Any] = json.loads(TOKEN)
    return value


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def handmade(
    payload: bytes, *, header: dict[str, Any] | None = None, signers: tuple[Signer, ...] = ()
) -> str:
    """A token with any payload, signed by the true keys but not by the library."""
    # RFC 7515 section 5.1
    signatures = []
    for signer in signers or (ISSUER, HOLDER, REQUESTER):
        protected = encoded(
            canonical({"alg": "Ed25519", "kid": signer.name, "typ": TYPE, **(header or {})})
        )
        signature = signer.sign(f"{protected}.{encoded(payload)}".encode())
        signatures.append({"protected": protected, "signature": encoded(signature)})
    return canonical({"payload": encoded(payload), "signatures": signatures}).decode()


def refused(token: str) -> None:
    with pytest.raises(VerificationError):
        verify(token)


NAME = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
PERMITS = st.builds(
    Permit,
    id=NAME,
    case=NAME,
    asset=NAME,
    holder=st.just(HOLDER.name),
    audience=NAME,
    requester=st.just(REQUESTER.name),
    requester_key=st.just(REQUESTER.public_key),
    purpose=NAME,
    delivery=NAME,
    kinds=st.lists(NAME, max_size=3).map(tuple),
    operations=st.dictionaries(NAME, NAME, min_size=1, max_size=3),
    min_cell=st.integers(1, 10**6),
    max_calls=st.integers(1, 10**6),
    obligations=st.lists(NAME, max_size=2).map(tuple),
    conditions=st.lists(NAME, max_size=2).map(tuple),
    issued_at=st.integers(0, 10**10),
    expires_at=st.integers(10**10 + 1, 2**50),
    decision=st.integers(0, 10**9),
    rulebook=NAME,
)


@given(PERMITS)
def test_what_was_issued_is_verified(permit: Permit) -> None:
    assert verify(issued(permit)) == permit


def test_a_token_is_canonical_and_signed_in_a_known_way() -> None:
    assert canonical(parts()).decode() == TOKEN
    assert handmade(canonical(FIELDS)) == TOKEN


CHANGES = {
    "id": "p-2", "case": "other", "asset": "births", "data": "04",
    "holder": "city-hospital", "audience": "city-hospital",
    "requester": "company", "requester_key": STRANGER.public_key,
    "purpose": "marketing", "delivery": "extract",
    "kinds": ["name"], "operations": {"count": "sha256:99"}, "min_cell": 1, "max_calls": 1000,
    "obligations": [], "conditions": ["none"], "issued_at": 0, "expires_at": 2**40,
    "decision": 18, "rulebook": "sha256:03", "utility": "sha256:04",
}  # fmt: skip


def test_changes_cover_every_field() -> None:
    assert CHANGES.keys() == FIELDS.keys()


@pytest.mark.parametrize("field", CHANGES)
def test_a_changed_field_is_refused(field: str) -> None:
    value = parts()
    value["payload"] = encoded(canonical({**FIELDS, field: CHANGES[field]}))
    refused(canonical(value).decode())


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_missing_signature_is_refused(gone: int) -> None:
    value = parts()
    del value["signatures"][gone]
    refused(canonical(value).decode())


@pytest.mark.parametrize(
    "order", [(1, 0, 2), (0, 2, 1), (2, 1, 0), (0, 0, 2), (1, 1, 2), (0, 1, 2, 2), (0, 1, 2, 0)]
)
def test_signatures_stand_in_their_order_and_once(order: tuple[int, ...]) -> None:
    value = parts()
    value["signatures"] = [value["signatures"][n] for n in order]
    refused(canonical(value).decode())


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_signature_must_hold(place: int) -> None:
    value = parts()
    other = json.loads(issued(Permit(**{**permit_arguments(), "max_calls": 4})))
    value["signatures"][place] = other["signatures"][place]
    refused(canonical(value).decode())


def permit_arguments() -> dict[str, Any]:
    return {name: getattr(PERMIT, name) for name in Permit.__dataclass_fields__}


@pytest.mark.parametrize("who", ["issuer", "holder", "requester"])
def test_another_key_under_the_right_name_is_refused(who: str) -> None:
    names = {"issuer": ISSUER.name, "holder": HOLDER.name, "requester": REQUESTER.name}
    forger = Signer.from_seed(names[who], b"x" * 32)
    refused(
        issued(
            issuer=forger if who == "issuer" else ISSUER,
            holder=forger if who == "holder" else HOLDER,
            requester=forger if who == "requester" else REQUESTER,
        )
    )


def test_the_right_key_under_another_name_is_refused() -> None:
    refused(issued(issuer=Signer.from_seed("platform-2", b"i" * 32)))


def test_a_permit_is_for_the_holder_that_it_names() -> None:
    city = Signer.from_seed("city-hospital", b"c" * 32)
    with pytest.raises(
        VerificationError, match="is for the holder `county-hospital`, not `city-hospital`"
    ):
        verify(issued(), holder=city)
    with pytest.raises(VerificationError):
        verify(issued(holder=city), holder=city)


def test_another_issuer_is_refused() -> None:
    with pytest.raises(VerificationError):
        verify(TOKEN, issuer=Signer.from_seed("platform", b"j" * 32))


def test_a_swapped_requester_key_needs_all_three_again() -> None:
    swapped = Permit(**{**permit_arguments(), "requester_key": STRANGER.public_key})
    # The requester's true key signed a permit that names another key.
    refused(issued(swapped))
    value = parts()
    forged = json.loads(issued(swapped, requester=STRANGER))
    value["payload"], value["signatures"][2] = forged["payload"], forged["signatures"][2]
    refused(canonical(value).decode())


@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"alg": "HS256"}, {"alg": "EdDSA"}, {"alg": "Ed448"}, {"alg": "ed25519"},
     {"alg": None}, {"typ": "JWT"}, {"typ": None}, {"kid": "somebody"}, {"crit": ["exp"]},
     {"b64": False}, {"jwk": {"kty": "OKP"}}, {"x5u": "https://example.org"}],
    ids=repr,
)  # fmt: skip
def test_another_header_is_refused_though_the_true_keys_signed_it(header: dict[str, Any]) -> None:
    refused(handmade(canonical(FIELDS), header=header))


def test_no_signature_and_no_algorithm_is_refused() -> None:
    value = parts()
    for signature in value["signatures"]:
        header = json.loads(base64.urlsafe_b64decode(signature["protected"] + "=="))
        signature["protected"] = encoded(canonical({**header, "alg": "none"}))
        signature["signature"] = ""
    refused(canonical(value).decode())


def test_a_public_key_is_no_shared_secret() -> None:
    """A classic attack: HS256 with the verifier's public key as its secret."""
    value, payload = parts(), encoded(canonical(FIELDS))
    for signature, signer in zip(value["signatures"], (ISSUER, HOLDER, REQUESTER), strict=True):
        protected = encoded(canonical({"alg": "HS256", "kid": signer.name, "typ": TYPE}))
        code = hmac.new(
            bytes.fromhex(signer.public_key), f"{protected}.{payload}".encode(), hashlib.sha256
        )
        signature.update(protected=protected, signature=encoded(code.digest()))
    refused(canonical(value).decode())


@pytest.mark.parametrize(
    "spell",
    [lambda t: f" {t}", lambda t: f"{t}\n", lambda t: t.replace(",", ", "),
     lambda t: json.dumps(json.loads(t)), lambda t: t.replace('"payload"', '"\\u0070ayload"'),
     lambda t: t.replace("{", '{"payload":"",', 1)],
)  # fmt: skip
def test_another_spelling_of_the_token_is_refused(spell: Callable[[str], str]) -> None:
    assert spell(TOKEN) != TOKEN
    refused(spell(TOKEN))


def test_another_spelling_of_the_payload_is_refused_though_signed() -> None:
    refused(handmade(json.dumps(FIELDS).encode()))


def test_extra_members_are_refused() -> None:
    refused(canonical({**parts(), "header": {}}).decode())
    refused(canonical({**parts(), "signature": ""}).decode())
    refused(handmade(canonical({**FIELDS, "surplus": 1})))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_extra_members_of_a_signature_are_refused(place: int) -> None:
    value = parts()
    value["signatures"][place]["header"] = {"alg": "none"}
    refused(canonical(value).decode())


def turned(text: str) -> str:
    """The same bytes; only an unused bit of the last base64 digit is flipped."""
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) ^ 1]


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize(
    "spoil",
    [lambda s: s + "=", lambda s: s + "==", lambda s: s + "!", lambda s: s + "\n",
     lambda s: s + ".", lambda s: s[:-1], lambda s: s[:9] + "!" + s[9:],
     lambda s: s[:9] + "\n" + s[9:], turned, lambda s: s + "A", lambda s: "", lambda s: "é",
     lambda s: None, lambda s: 5, lambda s: [s], lambda s: {"s": s}],
)  # fmt: skip
@pytest.mark.parametrize("member", ["payload", "protected", "signature"])
def test_base64_has_one_spelling(member: str, spoil: Callable[[str], object]) -> None:
    value = parts()
    where = value if member == "payload" else value["signatures"][1]
    where[member] = spoil(where[member])
    refused(canonical(value).decode())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "null",
        "[]",
        '"token"',
        "1",
        "{}",
        '{"payload":"","signatures":[]}',
        "\ud800",
        "é",
        "a.b.c",
        "[" * 100_000,
    ],
    ids=lambda token: ascii(token[:12]),
)
def test_what_is_no_token_is_refused(token: str) -> None:
    refused(token)


@pytest.mark.parametrize(
    "signatures", [None, 5, "abc", {}, [], [5], [None], [[]], [{}], ["protected"]], ids=repr
)
def test_signatures_of_another_form_are_refused(signatures: object) -> None:
    refused(canonical({**parts(), "signatures": signatures}).decode())


def test_a_deeply_nested_header_is_refused() -> None:
    value = parts()
    value["signatures"][0]["protected"] = encoded(b"[" * 100_000)
    refused(canonical(value).decode())


@pytest.mark.parametrize(
    "changed",
    [{"requester_key": ""}, {"requester_key": "zz" * 32}, {"requester_key": "00" * 31},
     {"kinds": "age"}, {"kinds": [1]}, {"obligations": [None]}, {"conditions": [["x"]]},
     {"operations": []}, {"operations": {}}, {"operations": {"count": 5}},
     {"min_cell": True}, {"min_cell": 0}, {"max_calls": "3"}, {"max_calls": 0},
     {"expires_at": PERMIT.issued_at}, {"decision": None}, {"id": 5}],
    ids=repr,
)  # fmt: skip
def test_a_malformed_permit_is_refused_though_signed(changed: dict[str, Any]) -> None:
    refused(handmade(canonical({**FIELDS, **changed})))


@given(st.data())
def test_any_changed_character_is_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TOKEN) - 1))
    character = data.draw(st.characters(exclude_characters=TOKEN[at], max_codepoint=0x2FF))
    refused(TOKEN[:at] + character + TOKEN[at + 1 :])


def test_the_payload_is_the_permits_canonical_form() -> None:
    payload = base64.urlsafe_b64decode(parts()["payload"] + "==")
    assert from_canonical(payload) == FIELDS
