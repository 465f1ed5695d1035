"""The 32 rules of `sizes.SMALL` in one hand-written function, for complete facts only.

It is the lower bound that the engine's latency is compared with, and an oracle that shares no line
of code with the engine. It was written from the texts of the packs, in their order, so that its
lists have the order of a decision's lists.

What it lacks: unknown facts (every fact must be there and of its type), sources, articles, reasons
beyond rule ids, and remedies. When the rules change, somebody must change this file too.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

Answer = tuple[str, bool, list[str], list[str], list[str], list[str]]
"""Outcome, curable, rules that apply, facts that requires lack (rule by rule), authorities to ask,
rules of duties."""

MRR_IN_FORCE = dt.date(2014, 1, 1)
AIDS_IN_FORCE = dt.date(2006, 3, 1)
MHL_IN_FORCE = dt.date(2013, 5, 1)
TF_IN_FORCE = dt.date(2014, 11, 20)
HGR_IN_FORCE = dt.date(2019, 7, 1)
BSL_IN_FORCE = dt.date(2021, 4, 15)
MIF_IN_FORCE = dt.date(2021, 5, 1)
STD_IN_FORCE = dt.date(2021, 7, 1)
DSL_IN_FORCE = dt.date(2021, 9, 1)
PIPL_IN_FORCE = dt.date(2021, 11, 1)
XB11_IN_FORCE, XB11_LAST = dt.date(2022, 9, 1), dt.date(2024, 3, 21)
ETH_IN_FORCE = dt.date(2023, 2, 18)
HGRR_IN_FORCE = dt.date(2023, 7, 1)
AH_IN_FORCE = dt.date(2024, 1, 1)
XB16_IN_FORCE = dt.date(2024, 3, 22)
NDSR_IN_FORCE = dt.date(2025, 1, 1)
IDL_IN_FORCE = dt.date(2025, 9, 1)
CONTAGIOUS = ("infectious", "hiv", "std")


def judge(facts: dict[str, Any]) -> Answer:
    """Judge one complete set of facts, the legal day among them."""
    day = facts["legal_day"]
    action, purpose, delivery = facts["act.action"], facts["act.purpose"], facts["act.delivery"]
    basis, recipient = facts["basis.kind"], facts["recipient.kind"]
    personal, level, origin = facts["data.personal"], facts["data.level"], facts["data.origin"]
    special, genetic, national = (
        facts["data.special"],
        facts["data.genetic"],
        facts["data.national"],
    )
    same_handler, care = facts["recipient.same_handler"], facts["requester.care"]
    min_age, min_cell = facts["subjects.min_age"], facts["act.min_cell"]
    consent, separate = facts["consent.given"], facts["consent.separate"]
    ciio, mechanism, exemption = (
        facts["handler.ciio"],
        facts["border.mechanism"],
        facts["border.exemption"],
    )
    general_abroad, sensitive_abroad = (
        facts["border.general_persons"],
        facts["border.sensitive_persons"],
    )

    paying = action == "pay"
    kept = action != "delete"
    minors = min_age < 14
    sensitive = personal and (facts["data.health"] or minors)
    on_consent = basis == "consent"
    statutory = basis == "statutory" and facts["basis.law_cited"]
    by_law = basis in ("statutory", "law") and facts["basis.law_cited"]
    foreign = (
        facts["recipient.abroad"]
        or facts["recipient.foreign_control"]
        or facts["recipient.foreign_share"] >= 50
    )
    export = facts["recipient.abroad"] and not paying and kept
    row_level = delivery in ("enclave", "deidentified", "identifiable")
    published = (action == "publish" or delivery == "open") and delivery != "aggregate"
    other_handler = not same_handler and recipient not in ("patient", "relative")
    resource = genetic in ("information", "material")
    research_or_teaching = purpose in ("research", "teaching")
    exempt = exemption in ("contract", "hr", "emergency", "ftz") or (
        exemption == "overseas" and origin == "overseas"
    )
    free_below = 100_000 if day >= XB16_IN_FORCE else 0

    fired: list[str] = []
    missing: list[str] = []
    reviews: list[str] = []
    obligations: list[str] = []
    forbidden = grounded = pending = False

    # --- Regulation on AIDS Prevention and Treatment
    if (
        day >= AIDS_IN_FORCE
        and personal
        and published
        and "hiv" in special
        and not (consent or facts["consent.guardian"])
    ):
        fired.append("AIDS-39.1")
        forbidden = True

    # --- Biosecurity Law
    if day >= BSL_IN_FORCE and genetic == "information" and foreign and not paying and kept:
        fired.append("BSL-57.1")
        if not facts["genetic.reported"]:
            missing.append("genetic.reported")

    # --- Data Security Law
    if day >= DSL_IN_FORCE and national == "core" and not paying:
        fired.append("DSL-21.1")
        forbidden = True

    # --- Ethics review
    if (
        day >= ETH_IN_FORCE
        and purpose == "research"
        and (personal or facts["data.health"])
        and kept
    ):
        exempted = facts["evidence.ethics_exempt"] and not sensitive and not facts["pay.commercial"]
        if not exempted:
            fired.append("ETH23-3.1")
            reviews.append("ethics_committee")

    # --- Security assessment of data export, the former thresholds
    if XB11_IN_FORCE <= day <= XB11_LAST and export:
        many = (
            ciio
            or facts["handler.persons"] >= 1_000_000
            or general_abroad >= 100_000
            or sensitive_abroad >= 10_000
        )
        if national == "important" or (personal and many):
            fired.append("XB11-4.1")
            if mechanism != "assessment":
                missing.append("border.mechanism")

    # --- Cross-border data flows
    counted = sensitive or general_abroad >= free_below
    few_abroad = general_abroad < 1_000_000 and sensitive_abroad < 10_000
    if (
        day >= XB16_IN_FORCE
        and personal
        and export
        and counted
        and few_abroad
        and not ciio
        and not exempt
    ):
        fired.append("XB16-8.1")
        if mechanism == "none":
            missing.append("border.mechanism")

    # --- GB/T 39725-2020
    released = (delivery == "aggregate" or (delivery == "open" and not separate)) and not paying
    if day >= STD_IN_FORCE and (personal or facts["data.health"]) and released:
        fired.append("STD39725-11.1")
        if min_cell < 5:
            missing.append("act.min_cell")

    # --- Human genetic resources: implementing rules, then the regulation
    to_foreigners = genetic == "information" and foreign and not paying and kept
    if day >= HGRR_IN_FORCE and to_foreigners and facts["genetic.sequenced"] > 500:
        fired.append("HGRR-37.1")
        reviews.append("health_authority")
    if day >= HGR_IN_FORCE and resource and not paying and kept and purpose != "treatment":
        fired.append("HGR-9.1")
        if not consent:
            missing.append("consent.given")

    # --- Infectious diseases
    from_control = (
        personal
        and kept
        and origin in ("reporting", "emergency")
        and not special.isdisjoint(CONTAGIOUS)
    )
    if day >= IDL_IN_FORCE and from_control and purpose not in ("public_health", "treatment"):
        fired.append("IDL25-13.1")
        forbidden = True

    # --- Medical records
    if day >= MRR_IN_FORCE and personal and origin == "care":
        staff = care or facts["requester.records_role"]
        if action == "access" and delivery == "identifiable" and not staff:
            kin = recipient == "relative" and (
                consent
                or facts["consent.guardian"]
                or (facts["subjects.deceased"] and facts["evidence.kinship"])
            )
            case_or_claim = purpose in ("litigation", "insurance") and not same_handler
            law_allows = day >= PIPL_IN_FORCE and by_law
            if not (
                research_or_teaching or recipient == "patient" or kin or case_or_claim or law_allows
            ):
                fired.append("MRR-15.1")
                forbidden = True

    # --- Mental health
    if (
        day >= MHL_IN_FORCE
        and personal
        and published
        and "psychiatric" in special
        and not statutory
    ):
        fired.append("MHL-4.1")
        forbidden = True

    # --- Network data security
    if day >= NDSR_IN_FORCE:
        important = national == "important"
        if (personal or important) and action in ("provide", "entrust") and other_handler:
            report = (
                origin == "reporting"
                and purpose == "public_health"
                and recipient == "government"
                and statutory
            )
            to_the_fund = purpose == "insurance" and recipient == "government" and statutory
            evidence = (
                purpose == "litigation"
                and recipient == "government"
                and facts["evidence.authority_document"]
            )
            if not (report or to_the_fund or evidence):
                fired.append("NDSR-12.1")
                if not facts["evidence.contract"]:
                    missing.append("evidence.contract")
            fired.append("NDSR-12.2")
            obligations.append("NDSR-12.2")

    # --- Personal information protection: grounds, whether or not the track is open
    if day >= PIPL_IN_FORCE:
        ground = ""
        if on_consent and consent:
            ground = "PIPL-13.1"
        elif basis == "contract" and purpose in ("treatment", "insurance"):
            ground = "PIPL-13.2"
        elif statutory:
            ground = "PIPL-13.3"
        elif basis == "emergency" and purpose in ("treatment", "public_health"):
            ground = "PIPL-13.4"
        elif basis == "news" and action == "publish" and purpose == "public_health":
            ground = "PIPL-13.5"
        elif basis == "public" and level == 1:
            ground = "PIPL-13.6"
        elif by_law:
            ground = "PIPL-13.7"
        if ground:
            fired.append(ground)
            grounded = personal

    # --- Personal information protection: duties, all for personal information only
    if day >= PIPL_IN_FORCE and personal:
        if (
            basis == "none"
            and purpose in ("research", "statistics")
            and action in ("access", "compute")
            and delivery in ("aggregate", "federated", "enclave")
        ):
            fired.append("PIPL-13.8")
            reviews.append("ethics_committee")
            decided = facts["approval.ethics_committee"]
            grounded = grounded or decided == "given"
            pending = decided == "none"
        if on_consent and facts["consent.withdrawn"] and kept:
            fired.append("PIPL-15.1")
            forbidden = True
        if kept and not (basis == "emergency" and purpose in ("treatment", "public_health")):
            fired.append("PIPL-17.1")
            if not facts["evidence.notice"]:
                missing.append("evidence.notice")
            if not facts["act.within_notice"]:
                missing.append("act.within_notice")
        if action == "provide" and other_handler and on_consent:
            fired.append("PIPL-23.1")
            if not separate:
                missing.append("consent.separate")
        if sensitive and on_consent and kept:
            fired.append("PIPL-29.1")
            if not separate:
                missing.append("consent.separate")
        if minors and on_consent and kept:
            fired.append("PIPL-31.1")
            if not facts["consent.guardian"]:
                missing.append("consent.guardian")
        if (
            (sensitive and kept)
            or facts["act.automated"]
            or action in ("entrust", "provide", "publish")
            or export
        ):
            fired.append("PIPL-56.1")
            obligations.append("PIPL-56.1")

    # --- Prescription statistics
    if (
        day >= TF_IN_FORCE
        and facts["data.prescriber_totals"]
        and (facts["pay.commercial"] or purpose == "marketing")
    ):
        fired.append("TF14.1")
        forbidden = True

    # --- Agreement of the county
    if day >= AH_IN_FORCE:
        if personal and kept and not by_law:
            secondary = purpose in ("research", "teaching", "statistics", "quality", "marketing")
            if (
                (basis == "none" and purpose in ("research", "statistics"))
                or purpose == "ai_training"
                or (level >= 4 and row_level and other_handler and secondary)
            ):
                fired.append("AH-4.1")
                reviews.append("data_committee")
        if not personal and (
            origin == "operations" or facts["data.anonymised"] or (paying and purpose == "feedback")
        ):
            fired.append("AH-6.1")
            grounded = True
        if paying:
            fired.append("AH-7.3")
            obligations.append("AH-7.3")

    # --- The answer (docs/spec/decision.md, Outcome)
    refused = any(facts["approval." + authority] == "refused" for authority in reviews)
    approvals = [a for a in dict.fromkeys(reviews) if facts["approval." + a] != "given"]
    # Without a ground the request is curable on each day on which a ground is in force. Grounds for
    # personal information read only facts that somebody may change. For other data it is enough
    # that the data could be anonymised.
    hopeless = not grounded and day < (PIPL_IN_FORCE if personal else AH_IN_FORCE)
    if forbidden or refused or hopeless:
        return "deny", False, fired, missing, approvals, obligations
    if missing or not (grounded or pending):
        return "deny", True, fired, missing, approvals, obligations
    if approvals:
        return "needs-approval", False, fired, missing, approvals, obligations
    if any(duty != "PIPL-56.1" for duty in obligations):
        return "permit-with-obligations", False, fired, missing, approvals, obligations
    return "permit", False, fired, missing, approvals, obligations
