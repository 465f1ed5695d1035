"""What an audit that goes on believes: nothing that an audit of everything would not.

Each lie is told after a first audit, and rests on what that audit does not read again.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from heyi.app.centre import reopen
from heyi.app.rulebooks import shelf
from heyi.app.verification import Verification, verify_directory
from heyi.audit.event import from_leaf
from heyi.crypto.codec import to_json
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, registered, settled, used
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.proof.erase import erase
from heyi.exchange.request.apply import decide, decision_leaf
from heyi.exchange.request.facts import assemble
from heyi.exchange.request.register import adopt_rulebook
from heyi.federation.node.node_events import NodeRevoked, NodeWithdrew, receipt_event
from heyi.federation.wire.receipt import Receipt, sign_receipt
from heyi.model.decision import Effect, Outcome
from heyi.model.errors import StoreError
from heyi.model.kleene import Truth
from heyi.policy.language.schema import admit
from heyi.sources.rulebook import read_rulebook
from oracles.forge import forge
from oracles.lies_about_decisions import PERMIT_ALL
from oracles.lies_about_notices import OTHER, TOKEN, revoking, telling, withdrawing
from oracles.lies_about_permits import draft_permit
from oracles.lies_about_uses import counted
from oracles.lying import CLAIM, DAY, HOSPITAL, STUDY, Operator, copy_run
from tests.support.story import Story


@pytest.fixture
def op(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """A copy of the story whose operator lies, for an auditor without a memory so far."""
    (tmp_path / "cache").mkdir(mode=0o700)
    monkeypatch.setenv("HEYI_CACHE", str(tmp_path / "cache"))
    copy_run(story.directory, tmp_path / "run")
    op = Operator(directory=tmp_path / "run", app=reopen(tmp_path / "run"))
    yield op
    op.app.close()


def audited(op: Operator) -> Verification:
    """The audit of the log as it is now, which remembers it if it holds."""
    op.app.close()
    found = verify_directory(op.directory, since=True)
    op.app = reopen(op.directory)
    return found


def pay_more_without_a_certificate(op: Operator) -> int:
    """The certificate is deleted, and everybody is paid 7.77 yuan more."""
    op.rewind(settled.SettlementPaid)
    assert audited(op).faults == []
    settlement = op.case(STUDY).settlement
    assert settlement is not None
    with op.database() as database:
        database.execute("delete from artefacts where digest = ?", (settlement.certificate,))
    paid = op.was(settled.SettlementPaid)[0]
    return op.relog(paid, at=op.now, amount_fen=from_leaf(paid.leaf).public["amount_fen"] + 777)


def permit_on_facts_that_vanished(op: Operator) -> int:
    """The bodies of an old case are deleted silently, and a permit is said to rest on them."""
    assert audited(op).faults == []
    with op.database() as database:
        for old in op.app.database.stream(f"case/{CLAIM}"):
            database.execute("delete from bodies where idx = ?", (old.index,))
    op.app.close()
    op.app = reopen(op.directory)
    c, case = op.consortium, op.case(CLAIM)
    stated = assemble(c.state, c.point.book.schema, case, c.asset(HOSPITAL)).stated
    left = c.point.decide(admit(c.point.book.schema, stated, day=c.today), asset=HOSPITAL)
    leaf = decision_leaf(left)
    rules = {name: truth for name, truth in leaf.rules.items() if truth == Truth.TRUE.value}
    duties = [r.id for r in c.point.book.rules if r.effect is Effect.OBLIGE and r.id in rules]
    made = structs.replace(
        leaf,
        outcome=Outcome.PERMIT_WITH_OBLIGATIONS,
        curable=False,
        rules=rules,
        missing=(),
        unknown=(),
        approvals=(),
        obligations=tuple(duties),
    )
    body = applied.Grounds(words=(), rejected={}, stated={})
    entry = forge(c, made, by=PLATFORM, case=CLAIM, body=body)
    told = BodyErased(entry=entry, reason="asked")
    forge(c, told, by=PLATFORM, case=CLAIM, erase=[entry])
    return min(e.index for e in op.app.database.stream(f"case/{CLAIM}"))


def erase_in_no_case(op: Operator) -> int:
    """The erasure of an old body is told outside of its case, which then shows nothing of it."""
    assert audited(op).faults == []
    held = [e.index for e in op.app.database.stream(f"case/{CLAIM}") if e.body is not None]
    return forge(op.consortium, BodyErased(entry=held[0], reason="x"), by=PLATFORM, erase=held[:1])


def never_tell_a_revocation(op: Operator) -> int:
    """A revocation is the last entry of the first audit, and its node is never told."""
    entry = revoking(op, counted(op))
    assert audited(op).faults == []
    decide(op.consortium, CLAIM, by=PLATFORM)
    return entry


def tell_another_subject(op: Operator) -> int:
    """A withdrawal is the last entry of the first audit; then the nodes are told somebody else."""
    withdrawing(op)
    at = op.consortium.log.last_at
    assert audited(op).faults == []
    told = [telling(op, h, NodeWithdrew(scope="*", at=at), OTHER) for h in _hosts(op)]
    decide(op.consortium, CLAIM, by=PLATFORM)
    return told[0]


def _hosts(op: Operator) -> list[str]:
    return sorted(op.consortium.state.nodes)


def refuse_what_was_answered(op: Operator) -> int:
    """Only the node knew of its answer; then it signs a refusal too, which the centre logs."""
    permit = counted(op)
    answer = op.receipt(permit, op.next_call(permit))
    op.announced(permit, answer.number, answer.operation, answer.argument)
    entry = op.at_node(permit, answer)
    assert audited(op).replayed.unanswered == 1
    fields = {**to_json(answer), "refusal": "closed", "result": ""}
    del fields["signature"]
    signed = sign_receipt(Receipt(**fields), op.app.signer(permit.holder))
    refusal = receipt_event(signed)
    op.at_node(permit, refusal, charge=())
    logged = used.OperationRefused(**to_json(refusal))
    forge(op.consortium, logged, by=permit.holder, case=permit.case)
    return entry


def revoke_before_an_answer(op: Operator) -> int:
    """Only the node knew of its answer, which is dated after the later revocation."""
    permit = counted(op)
    answer = op.receipt(permit, op.next_call(permit), at=op.now + 5 * DAY)
    op.announced(permit, answer.number, answer.operation, answer.argument)
    entry = op.at_node(permit, answer)
    assert audited(op).faults == []
    op.forward(DAY)
    at = op.now
    revoking(op, permit)
    op.forward(5 * DAY)
    telling(op, permit.audience, NodeRevoked(permit=permit.id, at=at))
    return entry


def permit_by_a_profile_that_changed(op: Operator) -> int:
    """An old decision rests on a profile that says no by now, and a permit on that decision."""
    draft_permit(op)
    assert audited(op).faults == []
    no = {"evidence.impact_assessment": False, "evidence.notice": False}
    changed = registered.ProfileVouched(party="county-hospital", facts=no)
    forge(op.consortium, changed, by=PLATFORM)
    return op.issued(draft_permit(op))


def permit_beyond_what_an_old_decision_says(op: Operator) -> int:
    """The statement of the smallest cell is erased, and the profile beside it has changed."""
    draft_permit(op)
    assert audited(op).faults == []
    changed = registered.ProfileVouched(party="county-hospital", facts={"handler.persons": 1})
    forge(op.consortium, changed, by=PLATFORM)
    return _issue_and_erase(op)


def permit_beyond_what_was_said_under_another_law(op: Operator) -> int:
    """As before, and another rulebook is in force that permits everything."""
    draft_permit(op)
    assert audited(op).faults == []
    texts = {"facts.toml": read_rulebook()["facts.toml"], "all.md": PERMIT_ALL}
    op.consortium.point = shelf().point(texts)
    adopt_rulebook(op.consortium, by=PLATFORM)
    return _issue_and_erase(op)


def _issue_and_erase(op: Operator) -> int:
    permit = draft_permit(op, min_cell=1)
    cells = [s.index for s in op.case(permit.case).statements.values() if s.name == "act.min_cell"]
    entry = op.issued(permit)
    erase(op.consortium, cells, reason="asked", by=PLATFORM)
    return entry


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (pay_more_without_a_certificate, "was paid another amount than was stated"),
        (permit_on_facts_that_vanished, "the body is gone, though no event says"),
        (erase_in_no_case, "in another case than that of its entry"),
        (never_tell_a_revocation, "does not know that"),
        (tell_another_subject, "the withdrawal of another subject"),
        (refuse_what_was_answered, "signed two receipts"),
        (revoke_before_an_answer, "after the permit was revoked"),
        (permit_by_a_profile_that_changed, "when facts no longer permitted it"),
        (permit_beyond_what_an_old_decision_says, "goes beyond a fact"),
        (permit_beyond_what_was_said_under_another_law, "goes beyond a fact"),
    ],
)
def test_a_lie_about_what_was_verified_is_found(
    op: Operator, lie: Callable[[Operator], int], words: str
) -> None:
    entry = lie(op)
    assert verify_directory(op.directory).faults
    faults = audited(op).faults
    assert all(words in fault.message for _, fault in faults), faults
    assert entry in [fault.entry for _, fault in faults]


def test_what_nodes_are_told_after_an_audit_is_no_fault(op: Operator) -> None:
    """The last entry may be told later: the centre may have been cut off."""
    permit = counted(op)
    revoking(op, permit)
    at = op.consortium.log.last_at
    assert audited(op).faults == []
    telling(op, permit.audience, NodeRevoked(permit=permit.id, at=at))
    withdrawing(op)
    assert audited(op).faults == []
    for host in _hosts(op):
        telling(op, host, NodeWithdrew(scope="*", at=op.consortium.log.last_at), TOKEN)
    decide(op.consortium, CLAIM, by=PLATFORM)
    assert audited(op).faults == verify_directory(op.directory).faults == []


def test_a_revocation_that_was_verified_may_be_told_again_to_nobody(op: Operator) -> None:
    """A node that is told twice is found, though the case of the permit is not read again."""
    assert audited(op).faults == []
    revoked = next(p for c in op.consortium.state.cases.values() for p in sorted(c.revoked))
    permit = op.permit(revoked.partition(".")[0], revoked.partition(".")[2])
    entry = telling(op, permit.audience, NodeRevoked(permit=permit.id, at=op.now))
    (fault,) = audited(op).faults
    assert fault[0] == permit.audience and fault[1].entry == entry


@pytest.mark.parametrize(
    "spoil",
    [
        "delete from memory where kind = 'heads'",
        "delete from memory where kind = 'stream' and name = 'case/referral'",
        "update memory set value = x'c1' where kind = 'heads'",
        "update memory set value = x'90' where kind = 'heads'",
        "update memory set value = 'text' where kind = 'heads'",
        "update memory set value = 7 where kind = 'heads'",
    ],
)
def test_a_memory_that_was_spoilt_is_refused(op: Operator, spoil: str) -> None:
    """It accuses nobody: the error says which file to remove."""
    assert audited(op).faults == []
    (path,) = (op.directory.parent / "cache" / "audits").glob("*.db")
    with closing(sqlite3.connect(path)) as c, c:
        c.execute(spoil)
    with pytest.raises(StoreError, match="what was verified before cannot be read") as e:
        audited(op)
    assert str(path) in e.value.hint
    shutil.rmtree(path.parent)
    assert verify_directory(op.directory, since=True).holds
