"""Lies about requests and facts."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, registered
from heyi.exchange.proof.erase import erase
from heyi.exchange.request.apply import decide, decision_leaf
from heyi.exchange.request.facts import assemble, said_by
from heyi.model.fact import Source, Stated, Value
from heyi.policy.engines.packed import pack
from heyi.policy.language.schema import admit
from oracles.forge import again, first, forge, said
from oracles.lying import (
    CLAIM,
    HOSPITAL,
    REFERRAL,
    TRAINING,
    WATCH,
    Expected,
    Operator,
    Outcome,
    Room,
    Unseen,
)

ROOM = Room()
lie = ROOM.lie


def ground(
    op: Operator, case: str, asset: str, changed: Mapping[str, Stated | None]
) -> tuple[applied.DecisionMade, applied.Grounds]:
    """The decision on facts of a case that were changed; None takes a fact away."""
    consortium = op.consortium
    schema = consortium.point.book.schema
    stated = assemble(
        consortium.state, schema, consortium.case(case), consortium.asset(asset)
    ).stated
    for name, value in changed.items():
        stated.pop(name, None)
        if value is not None:
            stated[name] = value
    admitted = admit(schema, stated, day=consortium.today)
    made = decision_leaf(consortium.point.decide(admitted, asset=asset))
    return made, applied.Grounds(
        words=tuple(f"{w:064x}" for w in pack(schema, admitted.known)),
        rejected=dict(admitted.rejected),
        stated=said_by(stated),
    )


def stating(
    op: Operator,
    facts: dict[str, Value],
    *,
    by: str = PLATFORM,
    source: str = "registry",
    case: str = REFERRAL,
    asset: str = "*",
    names: tuple[str, ...] = (),
) -> int:
    what = applied.FactStated(asset=asset, source=source, names=names or tuple(sorted(facts)))
    said_ = {n: applied.Said(value=v, until=None) for n, v in facts.items()}
    return forge(op.consortium, what, by=by, case=case, body=applied.SaidFacts(facts=said_))


# --- facts ---


@lie("a registry that never answered says that consent was given")
def facts_that_nobody_stated(op: Operator) -> Outcome:
    """The decision's own body holds a fact that no event of the case states."""
    paper = Stated(value=True, source=Source.ATTESTED)
    made, body = ground(op, CLAIM, HOSPITAL, {"evidence.authority_document": paper})
    entry = forge(op.consortium, made, by=PLATFORM, case=CLAIM, body=body)
    return Expected(entry=entry, words="the facts are not those that the log states")


@lie("an inconvenient fact was never there")
def decided_without_a_fact(op: Operator) -> Outcome:
    """The decision leaves out a fact that the case states."""
    made, body = ground(op, REFERRAL, "township-01-records", {"consent.withdrawn": None})
    entry = forge(op.consortium, made, by=PLATFORM, case=REFERRAL, body=body)
    return Expected(entry=entry, words="the facts are not those that the log states")


@lie("a fact said yes, and it was erased since")
def stated_erased_and_decided_otherwise(op: Operator) -> Outcome:
    """State no, erase it with a report, then decide on a yes."""
    stated = stating(op, {"consent.separate": False})
    erase(op.consortium, [stated], reason="asked", by=PLATFORM)
    yes = Stated(value=True, source=Source.REGISTRY)
    made, body = ground(op, REFERRAL, "township-01-records", {"consent.separate": yes})
    entry = forge(op.consortium, made, by=PLATFORM, case=REFERRAL, body=body)
    return Expected(entry=entry, words="the facts are not those that the log states")


@lie("a fact said yes when it was decided on, and was erased later")
def decided_otherwise_and_then_erased(op: Operator) -> Outcome:
    """State no, decide on a yes at once, and erase what was stated."""
    stated = stating(op, {"consent.separate": False})
    yes = Stated(value=True, source=Source.REGISTRY)
    made, body = ground(op, REFERRAL, "township-01-records", {"consent.separate": yes})
    forge(op.consortium, made, by=PLATFORM, case=REFERRAL, body=body)
    erase(op.consortium, [stated], reason="asked", by=PLATFORM)
    return Unseen(
        who="whoever stated the fact, with the body and the key of its commitment; the report "
        "lists the decision among those that cannot be replayed any more"
    )


@lie("the registry says so")
def a_party_states_for_the_registry(op: Operator) -> Outcome:
    """The requester is named as the registry."""
    entry = stating(op, {"consent.separate": True}, by="county-hospital")
    return Expected(entry=entry, words="may not state facts as registry")


@lie("an authority attests")
def a_party_attests(op: Operator) -> Outcome:
    """An insurer is named as one that attests."""
    facts: dict[str, Value] = {"evidence.authority_document": True}
    entry = stating(op, facts, by="insurer", source="attested", case=CLAIM)
    return Expected(entry=entry, words="may not state facts as attested")


@lie("an authority approved")
def an_approval_as_a_fact(op: Operator) -> Outcome:
    """The approval is stated as a fact, without the signature of the authority."""
    facts: dict[str, Value] = {"approval.data_committee": "given"}
    entry = stating(op, facts, by="county-office", source="attested", case=TRAINING)
    return Expected(entry=entry, words="is an approval, which its authority signs")


@lie("an institution gave notice")
def a_profile_overridden(op: Operator) -> Outcome:
    """A fact of a profile is stated for the case by a stronger source."""
    entry = stating(op, {"evidence.notice": True}, by="county-office", source="attested")
    return Expected(entry=entry, words="is registered with its party or asset")


@lie("the data are of level 1")
def a_catalogue_overridden(op: Operator) -> Outcome:
    """A fact of the catalogue is stated for the case by the registry."""
    entry = stating(op, {"data.level": 1})
    return Expected(entry=entry, words="is registered with its party or asset")


@lie("the recipient is the holder itself")
def a_party_overridden(op: Operator) -> Outcome:
    """What the registry knows of a party is stated otherwise for one case."""
    entry = stating(op, {"recipient.kind": "self"})
    return Expected(entry=entry, words="is registered with its party or asset")


@lie("a fact was stated")
def a_fact_of_no_value(op: Operator) -> Outcome:
    """The value is none that the fact can have."""
    made, body = ground(op, REFERRAL, "township-01-records", {})
    entry = stating(op, {"consent.separate": "perhaps"})
    forge(op.consortium, made, by=PLATFORM, case=REFERRAL, body=body)
    return Expected(entry=entry, words="`consent.separate` is `perhaps`")


@lie("a fact was stated")
def a_fact_that_no_rulebook_knows(op: Operator) -> Outcome:
    """The name is none of the rulebook's."""
    entry = stating(op, {"consent.telepathic": True})
    return Expected(entry=entry, words="unknown fact `consent.telepathic`")


@lie("the leaf names what was stated")
def other_facts_than_the_leaf_names(op: Operator) -> Outcome:
    """The erasable body holds one more fact than everybody can read."""
    facts: dict[str, Value] = {"consent.separate": True, "consent.written": True}
    entry = stating(op, facts, names=("consent.separate",))
    return Expected(entry=entry, words="the body states other facts than the leaf names")


@lie("the purpose is treatment")
def a_profile_states_the_purpose(op: Operator) -> Outcome:
    """A profile holds what only a request declares, and would replace it for every request."""
    what = registered.ProfileVouched(party="county-hospital", facts={"act.purpose": "treatment"})
    entry = forge(op.consortium, what, by=PLATFORM)
    return Expected(entry=entry, words="`act.purpose` is no fact of a profile")


@lie("a company asked for this")
def a_request_in_another_name(op: Operator) -> Outcome:
    """The platform invents a request and names somebody as the one who submits it."""
    found = first(op.consortium, applied.RequestSubmitted, case=TRAINING)
    again(op.consortium, found, case="invented", id="invented")
    return Unseen(who="the company, which reads its own requests; from signed acts on, anybody")


@lie("the county's office attested it")
def a_fact_in_another_name(op: Operator) -> Outcome:
    """The platform invents an attested fact and names the authority."""
    facts: dict[str, Value] = {"evidence.insurance_contract": True}
    stating(op, facts, by="county-office", source="attested", case=CLAIM)
    return Unseen(
        who="the authority, which reads what it is named for; from signed acts on, anybody"
    )


@lie("the requester asked so from the start")
def a_second_request_in_a_case(op: Operator) -> Outcome:
    """The request of a case is submitted again, with another purpose."""
    found = first(op.consortium, applied.RequestSubmitted, case=TRAINING)
    entry = again(op.consortium, found, purpose="treatment")
    return Expected(entry=entry, words="is submitted a second time")


@lie("the requester submitted it")
def a_request_that_the_platform_submits(op: Operator) -> Outcome:
    """The platform acts in a request of a company."""
    found = first(op.consortium, applied.RequestSubmitted, case=TRAINING)
    entry = again(op.consortium, found, by=PLATFORM, case="new", id="new")
    return Expected(entry=entry, words="submits a request of `device-maker`")


@lie("the case has a request")
def a_request_in_the_case_of_another(op: Operator) -> Outcome:
    """The request stands in a case of another name."""
    found = first(op.consortium, applied.RequestSubmitted, case=TRAINING)
    entry = again(op.consortium, found, case="one", id="other")
    return Expected(entry=entry, words="stands in the case `one`")


@lie("the request was judged for what it asks")
def another_purpose_stated(op: Operator) -> Outcome:
    """The requester declares another purpose for a request that was denied."""
    entry = stating(op, {"act.purpose": "treatment"}, by="insurer", source="declared", case=CLAIM)
    decide(op.consortium, CLAIM, by=PLATFORM)
    return Expected(entry=entry, words="what the request asks for")


@lie("the request was judged for what it asks")
def another_purpose_declared(op: Operator) -> Outcome:
    """The request says one purpose, and declares another one as a fact."""
    found = first(op.consortium, applied.RequestSubmitted, case=CLAIM)
    body = found.content(applied.SaidFacts)
    assert body is not None
    facts = {**body.facts, "act.purpose": applied.Said(value="treatment", until=None)}
    what = structs.replace(
        said(found, applied.RequestSubmitted), id="claim-2", declared=tuple(sorted(facts))
    )
    entry = forge(
        op.consortium, what, by="insurer", case="claim-2", body=applied.SaidFacts(facts=facts)
    )
    return Expected(entry=entry, words="what the request asks for")


@lie("the operation reads what was asked for")
def an_operation_that_reads_more(op: Operator) -> Outcome:
    """The operation of a request counts by name, and names are not asked for."""
    found = first(op.consortium, applied.RequestSubmitted, case=WATCH)
    operations = {"frequency": {"by": [{"kind": "name"}]}}
    entry = again(op.consortium, found, case="watch-2", id="watch-2", operations=operations)
    return Expected(entry=entry, words="an operation reads `name`")


@lie("an authority attested the fact")
def a_stronger_source_for_an_erased_fact(op: Operator) -> Outcome:
    """The requester declares what only an authority may attest, and the statement is erased."""
    fact = "evidence.authority_document"
    stated = stating(op, {fact: True}, by="insurer", source="declared", case=CLAIM)
    attested = Stated(value=True, source=Source.ATTESTED)
    made, body = ground(op, CLAIM, HOSPITAL, {fact: attested})
    entry = forge(op.consortium, made, by=PLATFORM, case=CLAIM, body=body)
    erase(op.consortium, [stated], reason="asked", by=PLATFORM)
    return Expected(entry=entry, words="the facts are not those that the log states")


@lie("both decisions are on the same facts")
def two_words_for_one_erased_fact(op: Operator) -> Outcome:
    """Two decisions say different things of one statement, which is erased."""
    stated = stating(op, {"consent.separate": False})
    decide(op.consortium, REFERRAL, by=PLATFORM)
    yes = Stated(value=True, source=Source.REGISTRY)
    made, body = ground(op, REFERRAL, "township-01-records", {"consent.separate": yes})
    entry = forge(op.consortium, made, by=PLATFORM, case=REFERRAL, body=body)
    erase(op.consortium, [stated], reason="asked", by=PLATFORM)
    return Expected(entry=entry, words="the facts are not those that the log states")


@lie("the case has an id")
def a_request_under_no_id(op: Operator) -> Outcome:
    """The id has a dot, at which the id of a permit ends its case."""
    found = first(op.consortium, applied.RequestSubmitted, case=CLAIM)
    entry = again(op.consortium, found, case="a.b", id="a.b")
    return Expected(entry=entry, words="is not a valid request id")
