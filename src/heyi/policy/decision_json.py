"""A decision as JSON: what `heyi decide --json` prints, and what an approval signs the digest of.

Names differ from those of the classes where the specification (docs/spec/decision.md) says so.
"""

from __future__ import annotations

from typing import Any

from heyi.crypto.codec import to_json
from heyi.model.decision import Decision, Obligation, RuleFinding, Step
from heyi.policy.language.ir_json import deadline_to_json


def decision_to_json(decision: Decision) -> dict[str, Any]:
    """The decision with its lists; `met` and `alarm` only where there is one."""
    return {
        "outcome": decision.outcome.value,
        "curable": decision.curable,
        "rules": [_rule(f) for f in decision.findings],
        "ungrounded": [
            {"track": track, **to_json(name)} for track, name in decision.ungrounded.items()
        ],
        "missing": [to_json(m) for m in decision.missing],
        "unknown": [{"fact": fact, "because": why} for fact, why in decision.unknown.items()],
        "approvals": list(decision.approvals),
        "obligations": [_obligation(o) for o in decision.obligations],
        "remedies": [
            {"steps": [_step(s) for s in r.steps], "promises": r.promises.value}
            for r in decision.remedies
        ],
        "legal_day": decision.legal_day.isoformat(),
        "rulebook": decision.rulebook,
        "asset": decision.asset,
        "hypothetical": decision.hypothetical,
        **({"alarm": decision.alarm} if decision.alarm else {}),
    }


def _rule(finding: RuleFinding) -> dict[str, Any]:
    written = to_json(finding)
    rule, met = written.pop("rule"), written.pop("met")
    return {"id": rule, **written, **({} if met is None else {"met": met})}


def _obligation(obligation: Obligation) -> dict[str, Any]:
    return {**to_json(obligation), "deadline": deadline_to_json(obligation.deadline)}


def _step(step: Step) -> dict[str, Any]:
    return {"fact": step.fact, "to": step.value, "who": list(step.who)}
