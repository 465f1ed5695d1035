"""Lies about permits: for what they were issued, and on what they rest."""

from __future__ import annotations

from dataclasses import replace

from heyi.county import scenes
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.proof.erase import erase
from heyi.exchange.request.apply import approve, decide, supply
from heyi.exchange.request.grant import grant
from heyi.model.fact import Source
from heyi.model.permit import Permit
from oracles.lies_about_decisions import a_rulebook_for_a_moment
from oracles.lying import CLAIM, DAY, HOSPITAL, NOWHERE, WATCH, Expected, Operator, Outcome, Room

ROOM = Room()
lie = ROOM.lie
CASE = "counted-again"
"""A case that is decided, and has no permit yet."""


# --- permits ---


def draft_permit(op: Operator, **changed: object) -> Permit:
    """The permit that a fresh case would get, with some fields changed."""
    if CASE not in op.consortium.state.cases:
        op.applied(scenes.SURVEILLANCE, CASE, sites=("county-hospital",))
    decided, now = op.case(CASE).decisions[HOSPITAL], op.now
    permit = replace(
        op.permit(WATCH, HOSPITAL),
        id=f"{CASE}.{HOSPITAL}",
        case=CASE,
        obligations=decided.made.obligations,
        issued_at=now,
        expires_at=now + 90 * DAY,
        decision=decided.index,
    )
    return replace(permit, **changed)  # type: ignore[arg-type]


OTHERWISE = "the permit is for something else than was asked and decided"


@lie("the permit is for what was asked")
def a_permit_for_other_fields(op: Operator) -> Outcome:
    """Names are among the fields."""
    permit = draft_permit(op, kinds=("age", "sex", "sbp", "name"))
    return Expected(entry=op.issued(permit), words=OTHERWISE)


@lie("the permit is for what was asked")
def a_permit_for_another_purpose(op: Operator) -> Outcome:
    """The purpose is another one."""
    return Expected(entry=op.issued(draft_permit(op, purpose="marketing")), words=OTHERWISE)


@lie("the permit is for what was asked")
def a_permit_for_another_delivery(op: Operator) -> Outcome:
    """The data may leave as they are."""
    return Expected(entry=op.issued(draft_permit(op, delivery="view")), words=OTHERWISE)


@lie("the permit is for what was asked")
def a_permit_for_another_operation(op: Operator) -> Outcome:
    """One more operation is permitted."""
    permit = draft_permit(op)
    more = {**permit.operations, "read": "read"}
    return Expected(entry=op.issued(replace(permit, operations=more)), words=OTHERWISE)


@lie("no duties come with the permit")
def a_permit_without_its_duties(op: Operator) -> Outcome:
    """The obligations are left out."""
    return Expected(entry=op.issued(draft_permit(op, obligations=())), words=OTHERWISE)


@lie("the permit is for the requester")
def a_permit_for_somebody_else(op: Operator) -> Outcome:
    """An insurer uses what the health bureau was permitted."""
    key = op.consortium.party("insurer").public_key
    permit = draft_permit(op, requester="insurer", requester_key=key)
    return Expected(entry=op.issued(permit), words=OTHERWISE)


@lie("only the requester can use the permit")
def a_permit_bound_to_another_key(op: Operator) -> Outcome:
    """The key in the permit is the platform's, under the requester's name."""
    permit = draft_permit(op)
    own = op.posing_as(permit.requester)
    entry = op.issued(replace(permit, requester_key=own.public_key), requester=own)
    return Expected(entry=entry, words="bound to another key than the requester's")


@lie("the permit is for these data")
def a_permit_for_data_not_asked_for(op: Operator) -> Outcome:
    """The asset is one that the request does not name."""
    draft_permit(op)
    asset = op.consortium.asset("tcm-hospital-records")
    permit = draft_permit(
        op,
        id=f"{CASE}.{asset.id}",
        asset=asset.id,
        data=asset.digest,
        holder=asset.holder,
        audience=asset.holder,
    )
    return Expected(entry=op.issued(permit), words="which the case does not ask for")


@lie("the permit is for these data")
def a_permit_for_another_file(op: Operator) -> Outcome:
    """The digest is of another file than was registered."""
    entry = op.issued(draft_permit(op, data="0" * 64))
    return Expected(entry=entry, words="other data than were registered")


@lie("the institution's own node enforces it")
def a_permit_for_another_node(op: Operator) -> Outcome:
    """Another node serves the data."""
    entry = op.issued(draft_permit(op, audience="tcm-hospital"))
    return Expected(entry=entry, words="quotes another rulebook, utility or node")


@lie("the study is paid as registered")
def a_permit_that_quotes_another_utility(op: Operator) -> Outcome:
    """The permit quotes a utility that the case never registered."""
    entry = op.issued(draft_permit(op, utility=NOWHERE))
    return Expected(entry=entry, words="quotes another rulebook, utility or node")


@lie("the permit belongs to this case")
def a_permit_of_another_case(op: Operator) -> Outcome:
    """The token is of another case than its event."""
    permit = draft_permit(op, case="free-beds")
    entry = op.issued(permit, case=CASE)
    return Expected(entry=entry, words="of another case, asset or time than its event says")


@lie("the permit was issued when it was")
def a_permit_from_the_past(op: Operator) -> Outcome:
    """The token is dated a day before its event."""
    permit = draft_permit(op)
    entry = op.issued(replace(permit, issued_at=permit.issued_at - DAY))
    return Expected(entry=entry, words="of another case, asset or time than its event says")


@lie("there is one permit")
def a_permit_twice(op: Operator) -> Outcome:
    """The same permit is issued again, and its calls count anew."""
    op.issued(draft_permit(op))
    return Expected(entry=op.issued(draft_permit(op)), words="is issued a second time")


@lie("there is one permit for these data")
def a_second_permit_under_another_id(op: Operator) -> Outcome:
    """A second permit for the same data has another id, and calls of its own."""
    op.issued(draft_permit(op))
    entry = op.issued(draft_permit(op, id=f"{CASE}.{HOSPITAL}-2"))
    return Expected(entry=entry, words="another id than its case and asset give it")


@lie("the holder signed")
def a_permit_without_the_holder(op: Operator) -> Outcome:
    """The platform signs in the holder's place."""
    permit = draft_permit(op)
    entry = op.issued(permit, holder=op.posing_as(permit.holder))
    return Expected(entry=entry, words="the signature of `county-hospital` on permit")


@lie("the requester signed")
def a_permit_without_the_requester(op: Operator) -> Outcome:
    """The platform signs in the requester's place."""
    permit = draft_permit(op)
    entry = op.issued(permit, requester=op.posing_as(permit.requester))
    return Expected(entry=entry, words="the signature of `health-bureau` on permit")


@lie("the permit stays within what was decided")
def a_permit_with_smaller_cells(op: Operator) -> Outcome:
    """Counts below the cell that was stated may leave the node."""
    entry = op.issued(draft_permit(op, min_cell=1))
    return Expected(entry=entry, words="beyond a fact or a condition of an approval")


def approved_study(op: Operator, conditions: dict[str, int]) -> Permit:
    """The permit that a fresh study would get after an approval under conditions."""
    case = "second-study"
    op.applied(scenes.STUDY, case, sites=("county-hospital",))
    for authority in ("ethics_committee", "data_committee"):
        approve(
            op.consortium,
            case,
            authority=authority,
            by=authority.replace("_", "-"),
            given=True,
            reasons="on conditions",
            conditions=conditions if authority == "ethics_committee" else None,
        )
    decide(op.consortium, case, by=PLATFORM)
    (issued,) = grant(op.consortium, case, by=PLATFORM)
    return op.permit(case, issued.partition(".")[2])


def loosened(op: Operator, approved: dict[str, int], **changed: object) -> Outcome:
    """Take the true permit of such a study out of the log, and issue a looser one."""
    permit = approved_study(op, approved)
    op.undo()
    lasts = permit.expires_at - permit.issued_at
    permit = replace(permit, issued_at=op.now, expires_at=op.now + lasts)
    entry = op.issued(replace(permit, **changed))  # type: ignore[arg-type]
    return Expected(entry=entry, words="beyond a fact or a condition of an approval")


@lie("the committee's condition is kept")
def a_permit_with_more_calls(op: Operator) -> Outcome:
    """The committee allowed ten calls."""
    return loosened(op, {"max_calls": 10}, max_calls=11)


@lie("the committee's condition is kept")
def a_permit_for_longer(op: Operator) -> Outcome:
    """The committee allowed thirty days."""
    return loosened(op, {"days": 30}, expires_at=op.now + 60 * DAY)


@lie("the committee set no conditions")
def a_permit_without_its_conditions(op: Operator) -> Outcome:
    """The conditions are not in the permit, though its terms keep to them."""
    return loosened(op, {"max_calls": 10}, conditions=())


@lie("the permit ends with the facts that it rests on")
def a_permit_that_outlives_a_fact(op: Operator) -> Outcome:
    """A fact holds for ten days, the permit for ninety."""
    draft_permit(op)
    until = op.consortium.today.replace(day=28)
    facts = {"basis.law_cited": True}
    supply(op.consortium, CASE, facts, by=PLATFORM, source=Source.REGISTRY, until=until)
    decide(op.consortium, CASE, by=PLATFORM)
    return Expected(entry=op.issued(draft_permit(op)), words="outlives a fact that it rests on")


@lie("the latest decision permits it")
def a_permit_on_a_superseded_decision(op: Operator) -> Outcome:
    """The permit quotes a decision that another one has followed."""
    permit = draft_permit(op)
    decide(op.consortium, CASE, by=PLATFORM)
    entry = op.issued(permit)
    return Expected(entry=entry, words="no decision on it or not the last")


@lie("a decision permits it")
def a_permit_on_no_decision(op: Operator) -> Outcome:
    """The permit quotes an entry that does not exist."""
    entry = op.issued(draft_permit(op, decision=10**6))
    return Expected(entry=entry, words="no decision on it or not the last")


@lie("the decision permits it")
def a_permit_on_a_denial(op: Operator) -> Outcome:
    """The latest decision denies."""
    case = "claimed-again"
    op.applied(scenes.INSURER, case)
    return Expected(entry=op.issued(op.reading(case)), words="which does not permit it")


@lie("the decision permits it")
def a_permit_on_an_erased_decision(op: Operator) -> Outcome:
    """The facts of the decision were erased before the permit was issued."""
    permit = draft_permit(op)
    erase(op.consortium, [permit.decision], reason="asked", by=PLATFORM)
    return Expected(entry=op.issued(permit), words="whose facts had been erased before")


@lie("the facts still permit it")
def a_permit_on_facts_that_changed(op: Operator) -> Outcome:
    """A fact was stated after the decision, and with it the law says no."""
    permit = draft_permit(op)
    supply(op.consortium, CASE, {"act.min_cell": 0}, by="health-bureau", source=Source.DECLARED)
    return Expected(entry=op.issued(permit), words="when facts no longer permitted it")


@lie("the permit keeps to the smallest cell that was stated")
def a_permit_beyond_an_erased_fact(op: Operator) -> Outcome:
    """The decision still says which cell was stated; the statement itself is erased."""
    permit = draft_permit(op)
    cells = [s.index for s in op.case(CASE).statements.values() if s.name == "act.min_cell"]
    entry = op.issued(replace(permit, min_cell=1))
    erase(op.consortium, cells, reason="asked", by=PLATFORM)
    return Expected(entry=entry, words="goes beyond a fact")


@lie("the law of the day permitted it")
def a_permit_by_a_rulebook_that_is_gone(op: Operator) -> Outcome:
    """A decision of a rulebook for a moment is kept, and used after the right one is back."""
    a_rulebook_for_a_moment(op)
    op.forward(30 * DAY)
    entry = op.issued(op.reading(CLAIM))
    return Expected(entry=entry, words="when facts no longer permitted it")
