"""Rules of the shipped rulebook written again in Python from the law: an independent oracle."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from heyi.model.decision import Decision, Effect
from heyi.model.fact import Value
from heyi.model.kleene import Truth
from heyi.policy.decide import DecisionPoint

Facts = dict[str, Value]
GROUNDED_BY_LAW = ("statutory", "law")
EXEMPT = ("contract", "hr", "emergency", "ftz")


def applies(f: dict[str, Any]) -> dict[str, bool]:
    """Whether each rule applies to complete facts."""
    day: dt.date = f["legal_day"]
    personal: bool = f["data.personal"]
    sensitive = personal and (f["data.health"] or f["subjects.min_age"] < 14)
    consent = f["basis.kind"] == "consent"
    kept = f["act.action"] != "delete"
    export = f["recipient.abroad"] and f["act.action"] != "pay" and kept
    foreign = (
        f["recipient.abroad"]
        or f["recipient.foreign_control"]
        or f["recipient.foreign_share"] >= 50
    )
    cited = f["basis.kind"] in GROUNDED_BY_LAW and f["basis.law_cited"]
    published = (f["act.action"] == "publish" or f["act.delivery"] == "open") and f[
        "act.delivery"
    ] != "aggregate"
    from_abroad = f["border.exemption"] == "overseas" and f["data.origin"] == "overseas"
    exempt = (f["border.exemption"] in EXEMPT or from_abroad) and day >= dt.date(2024, 3, 22)
    free_below = 100_000 if day >= dt.date(2024, 3, 22) else 0
    pipl, agreement = day >= dt.date(2021, 11, 1), day >= dt.date(2024, 1, 1)
    another_handler = not f["recipient.same_handler"] and f["recipient.kind"] not in (
        "patient",
        "relative",
    )
    rescue = f["basis.kind"] == "emergency" and f["act.purpose"] in ("treatment", "public_health")
    return {
        "PIPL-13.1": pipl and consent and f["consent.given"],
        "PIPL-13.2": pipl
        and f["basis.kind"] == "contract"
        and f["act.purpose"] in ("treatment", "insurance"),
        "PIPL-15.1": pipl and personal and consent and f["consent.withdrawn"] and kept,
        "PIPL-17.1": pipl and personal and kept and not rescue,
        "PIPL-23.1": pipl
        and personal
        and consent
        and f["act.action"] == "provide"
        and another_handler,
        "PIPL-29.1": pipl and sensitive and consent and kept,
        "PIPL-31.1": pipl and personal and consent and f["subjects.min_age"] < 14 and kept,
        "PIPL-38.1": pipl
        and personal
        and export
        and (sensitive or f["handler.ciio"] or f["border.general_persons"] >= free_below)
        and not exempt,
        "PIPL-40.1": pipl and personal and export and f["handler.ciio"] and not exempt,
        "XB11-4.1": dt.date(2022, 9, 1) <= day <= dt.date(2024, 3, 21)
        and export
        and (
            f["data.national"] == "important"
            or (
                personal
                and (
                    f["handler.ciio"]
                    or f["handler.persons"] >= 1_000_000
                    or f["border.general_persons"] >= 100_000
                    or f["border.sensitive_persons"] >= 10_000
                )
            )
        ),
        "HGRR-37.1": day >= dt.date(2023, 7, 1)
        and f["data.genetic"] == "information"
        and foreign
        and f["act.action"] not in ("pay", "delete")
        and f["genetic.sequenced"] > 500,
        "AIDS-39.1": day >= dt.date(2006, 3, 1)
        and personal
        and "hiv" in f["data.special"]
        and published
        and not (f["consent.given"] or f["consent.guardian"]),
        "AH-3.1": agreement
        and personal
        and f["data.level"] == 5
        and f["act.delivery"] not in ("aggregate", "federated")
        and kept
        and not (
            pipl
            and f["act.purpose"] == "treatment"
            and f["requester.care"]
            and f["act.action"] != "publish"
            and f["act.delivery"] != "open"
        )
        and not (pipl and cited)
        and not (pipl and f["recipient.kind"] == "patient")
        and not (
            pipl
            and f["recipient.kind"] == "relative"
            and f["subjects.deceased"]
            and f["evidence.kinship"]
        ),
        "AH-5.1": agreement and personal and f["act.delivery"] in ("federated", "enclave"),
    }


def met(f: dict[str, Any]) -> dict[str, bool]:
    """Whether the evidence that each require asks for is there."""
    return {
        "PIPL-17.1": f["evidence.notice"] and f["act.within_notice"],
        "PIPL-23.1": f["consent.separate"],
        "PIPL-29.1": f["consent.separate"],
        "PIPL-31.1": f["consent.guardian"],
        "PIPL-38.1": f["border.mechanism"] != "none",
        "PIPL-40.1": f["border.mechanism"] == "assessment",
        "XB11-4.1": f["border.mechanism"] == "assessment",
        "AH-5.1": f["act.min_cell"] >= 5,
    }


def test_the_hand_written_rules_and_the_rulebook_agree(
    point: DecisionPoint,
    anything: Callable[[Random, float], Facts],
    complete: dict[str, Facts],
    decide: Callable[[Facts], Decision],
) -> None:
    rng, seen = Random(6), Counter[tuple[str, bool]]()
    for n in range(4_000):
        facts = {
            **complete[rng.choice(("export", "genetic"))],
            **anything(rng, rng.choice((0.3, 0.6))),
        }
        if n % 4 == 0:  # what is rare otherwise
            facts |= {
                "data.special": frozenset({"hiv"}),
                "act.delivery": "open",
                "data.personal": True,
            }
        found = {f.rule: f for f in decide(facts).findings}
        needs = met(facts)
        for rule, wanted in applies(facts).items():
            assert (rule in found) is wanted, (rule, facts)
            seen[rule, wanted] += 1
            if wanted:
                assert found[rule].truth is Truth.TRUE
                if found[rule].effect is Effect.REQUIRE:
                    assert found[rule].met is needs[rule], (rule, facts)
    assert all(seen[rule, wanted] >= 20 for rule, _ in seen for wanted in (True, False)), seen
    assert len({rule for rule, _ in seen}) == 14
