"""The shipped rulebook as somebody would write it by hand: one plain function, complete facts only.

It is the floor that the engine's latency is compared with, and an oracle that shares no line with the engine. It was
written from the texts of the packs, in their order, so that the lists come out in the order of a decision's.

What it gives up: it knows no unknown (every fact must be there and of its type), no sources, no articles, no reasons
beyond identifiers, no remedies; and a rulebook that changes means that this file must be written again.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

Answer = tuple[str, bool, list[str], list[str], list[str], list[str]]
"""Outcome, curable, rules that apply, facts that requires lack (rule by rule), authorities to ask, duties (rules)."""

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
    special, genetic, national = facts["data.special"], facts["data.genetic"], facts["data.national"]
    same_handler, member, care = facts["recipient.same_handler"], facts["requester.member"], facts["requester.care"]
    min_age, min_cell = facts["subjects.min_age"], facts["act.min_cell"]
    consent, separate = facts["consent.given"], facts["consent.separate"]
    ciio, mechanism, exemption = facts["handler.ciio"], facts["border.mechanism"], facts["border.exemption"]
    general_abroad, sensitive_abroad = facts["border.general_persons"], facts["border.sensitive_persons"]

    paying = action == "pay"
    minors = min_age < 14
    sensitive = personal and (facts["data.health"] or minors)
    on_consent = basis == "consent"
    statutory = basis == "statutory" and facts["basis.law_cited"]
    by_law = basis in ("statutory", "law") and facts["basis.law_cited"]
    foreign = facts["recipient.abroad"] or facts["recipient.foreign_control"] or facts["recipient.foreign_share"] >= 50
    export = facts["recipient.abroad"] and not paying
    row_level = delivery in ("enclave", "deidentified", "identifiable")
    published = action == "publish" or delivery == "open"
    resource = genetic in ("information", "material")
    research_or_teaching = purpose in ("research", "teaching")
    exempt = exemption in ("contract", "hr", "emergency", "overseas", "ftz")
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
    if day >= BSL_IN_FORCE and genetic == "information" and foreign and not paying:
        fired.append("BSL-57.1")
        if not facts["genetic.reported"]:
            missing.append("genetic.reported")

    # --- Data Security Law
    if day >= DSL_IN_FORCE:
        if national == "core" and not paying:
            fired.append("DSL-21.1")
            forbidden = True
        if recipient == "foreign_judicial":
            fired.append("DSL-36.1")
            forbidden = True

    # --- Ethics review
    if day >= ETH_IN_FORCE and purpose == "research" and (personal or facts["data.health"]):
        exempted = facts["evidence.ethics_exempt"] and not sensitive and not facts["pay.commercial"]
        if not exempted:
            fired.append("ETH23-3.1")
            reviews.append("ethics_committee")

    # --- Security assessment of data export, the former thresholds
    if XB11_IN_FORCE <= day <= XB11_LAST and export:
        many = ciio or facts["handler.persons"] >= 1_000_000 or general_abroad >= 100_000 or sensitive_abroad >= 10_000
        if national == "important" or (personal and many):
            fired.append("XB11-4.1")
            if mechanism != "assessment":
                missing.append("border.mechanism")

    # --- Cross-border data flows
    counted = sensitive or general_abroad >= free_below
    if day >= XB16_IN_FORCE and personal and export and counted and not ciio and not exempt:
        if general_abroad >= 1_000_000 or sensitive_abroad >= 10_000:
            fired.append("XB16-7.1")
            if mechanism != "assessment":
                missing.append("border.mechanism")
        else:
            fired.append("XB16-8.1")
            if mechanism == "none":
                missing.append("border.mechanism")

    # --- GB/T 39725-2020
    if day >= STD_IN_FORCE:
        if action == "publish" or (delivery == "open" and not paying):
            fired.append("STD39725-8.1")
            if not facts["evidence.publication_review"]:
                missing.append("evidence.publication_review")
        if (personal or facts["data.health"]) and delivery in ("aggregate", "open") and not paying:
            fired.append("STD39725-11.1")
            if min_cell < 5:
                missing.append("act.min_cell")

    # --- Human genetic resources: implementing rules, then the regulation
    to_foreigners = genetic == "information" and foreign and not paying
    if day >= HGRR_IN_FORCE and to_foreigners and facts["genetic.sequenced"] > 500:
        fired.append("HGRR-37.1")
        reviews.append("health_authority")
    if day >= HGR_IN_FORCE and resource:
        if not paying and purpose != "treatment":
            fired.append("HGR-9.1")
            if not consent:
                missing.append("consent.given")
        if facts["pay.for_data"]:
            fired.append("HGR-10.1")
            forbidden = True
        if foreign and not paying and not facts["genetic.licence"] and purpose != "treatment":
            fired.append("HGR-21.1")
            forbidden = True

    # --- Infectious diseases
    from_control = personal and origin in ("reporting", "emergency") and not special.isdisjoint(CONTAGIOUS)
    if day >= IDL_IN_FORCE and from_control and purpose not in ("public_health", "treatment"):
        fired.append("IDL25-13.1")
        forbidden = True

    # --- Medical records
    if day >= MRR_IN_FORCE and personal and origin == "care":
        staff = care or facts["requester.records_role"]
        if action == "access" and delivery == "identifiable" and not staff:
            case_or_claim = purpose in ("litigation", "insurance") and not same_handler
            law_allows = day >= PIPL_IN_FORCE and by_law
            if not (research_or_teaching or recipient == "patient" or case_or_claim or law_allows):
                fired.append("MRR-15.1")
                forbidden = True
        if row_level and research_or_teaching and (not same_handler or not staff):
            fired.append("MRR-16.1")
            reviews.append("holder")
        if purpose in ("litigation", "insurance") and not same_handler and recipient != "patient":
            fund = day >= MIF_IN_FORCE and purpose == "insurance" and recipient == "government" and statutory
            if not fund:
                fired.append("MRR-20.1")
                if not facts["evidence.authority_document"]:
                    missing.append("evidence.authority_document")
        if purpose == "insurance" and recipient == "insurer":
            fired.append("MRR-20.2")
            if not facts["evidence.insurance_contract"]:
                missing.append("evidence.insurance_contract")
            if not consent:
                missing.append("consent.given")

    # --- Mental health
    if day >= MHL_IN_FORCE and personal and published and "psychiatric" in special and not statutory:
        fired.append("MHL-4.1")
        forbidden = True

    # --- Network data security
    if day >= NDSR_IN_FORCE:
        important = national == "important"
        if (personal or important) and action in ("provide", "entrust") and not same_handler and recipient != "patient":
            statutory_report = (
                day >= IDL_IN_FORCE
                and origin == "reporting"
                and purpose == "public_health"
                and recipient == "government"
                and statutory
            )
            if not statutory_report:
                fired.append("NDSR-12.1")
                if not facts["evidence.contract"]:
                    missing.append("evidence.contract")
            fired.append("NDSR-12.2")
            obligations.append("NDSR-12.2")
        if important and action in ("provide", "entrust", "joint") and not statutory:
            fired.append("NDSR-31.1")
            if not facts["evidence.risk_assessment"]:
                missing.append("evidence.risk_assessment")
        if important and not paying:
            fired.append("NDSR-33.1")
            obligations.append("NDSR-33.1")
        if important and export:
            fired.append("NDSR-37.1")
            if mechanism != "assessment":
                missing.append("border.mechanism")
        if facts["data.secret"] and not paying:
            fired.append("NDSR-63.1")
            forbidden = True

    # --- Personal information protection: grounds, which stand whether or not the track is open
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

    # --- Personal information protection: duties, all of which need personal information
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
        if on_consent and facts["consent.withdrawn"]:
            fired.append("PIPL-15.1")
            forbidden = True
        if not (basis == "emergency" and purpose == "treatment"):
            fired.append("PIPL-17.1")
            if not facts["evidence.notice"]:
                missing.append("evidence.notice")
            if not facts["act.within_notice"]:
                missing.append("act.within_notice")
        if action == "provide" and not same_handler and recipient != "patient":
            if on_consent:
                fired.append("PIPL-23.1")
                if not separate:
                    missing.append("consent.separate")
            fired.append("PIPL-23.2")
            obligations.append("PIPL-23.2")
        if published and basis in ("consent", "none"):
            fired.append("PIPL-25.1")
            if not separate:
                missing.append("consent.separate")
        if sensitive and on_consent:
            fired.append("PIPL-29.1")
            if not separate:
                missing.append("consent.separate")
        if minors:
            if on_consent:
                fired.append("PIPL-31.1")
                if not facts["consent.guardian"]:
                    missing.append("consent.guardian")
            fired.append("PIPL-31.2")
            if not facts["handler.minor_rules"]:
                missing.append("handler.minor_rules")
        if export:
            exempt_now = exempt and day >= XB16_IN_FORCE
            if (counted or ciio) and not exempt_now:
                fired.append("PIPL-38.1")
                if mechanism == "none":
                    missing.append("border.mechanism")
            fired.append("PIPL-39.1")
            if not facts["evidence.export_notice"]:
                missing.append("evidence.export_notice")
            if on_consent:
                fired.append("PIPL-39.2")
                if not separate:
                    missing.append("consent.separate")
            if ciio and not exempt_now:
                fired.append("PIPL-40.1")
                if mechanism != "assessment":
                    missing.append("border.mechanism")
        if recipient == "foreign_judicial":
            fired.append("PIPL-41.1")
            forbidden = True
        if export and facts["border.listed"]:
            fired.append("PIPL-42.1")
            forbidden = True
        if sensitive or facts["act.automated"] or action in ("entrust", "provide", "publish") or export:
            fired.append("PIPL-55.1")
            if not facts["evidence.impact_assessment"]:
                missing.append("evidence.impact_assessment")
            fired.append("PIPL-56.1")
            obligations.append("PIPL-56.1")

    # --- Prescription statistics
    if day >= TF_IN_FORCE and facts["data.prescriber_totals"] and (facts["pay.commercial"] or purpose == "marketing"):
        fired.append("TF14.1")
        forbidden = True

    # --- Agreement of the county
    if day >= AH_IN_FORCE:
        if personal and level == 5 and delivery in ("open", "enclave", "deidentified", "identifiable") and not by_law:
            own_care = purpose == "treatment" and care and not published
            if not own_care and recipient != "patient":
                fired.append("AH-3.1")
                forbidden = True
        outside = recipient in ("university", "company", "public") and not member
        treats = purpose == "treatment" and facts["requester.care"]
        if personal and level >= 4 and delivery == "identifiable" and outside and not treats and not by_law:
            fired.append("AH-3.2")
            forbidden = True
        if personal and not by_law:
            secondary = purpose in ("research", "teaching", "statistics", "quality", "marketing")
            if (
                (basis == "none" and purpose in ("research", "statistics"))
                or purpose == "ai_training"
                or (level >= 4 and row_level and not same_handler and secondary)
            ):
                fired.append("AH-4.1")
                reviews.append("data_committee")
        if outside and recipient != "public" and purpose != "treatment" and not by_law:
            fired.append("AH-4.2")
            reviews.append("county_office")
        if personal and delivery in ("federated", "enclave"):
            fired.append("AH-5.1")
            if min_cell < 5:
                missing.append("act.min_cell")
        if not personal and (origin == "operations" or facts["data.anonymised"] or (paying and purpose == "feedback")):
            fired.append("AH-6.1")
            grounded = True
        if paying:
            fired.append("AH-7.1")
            if not facts["pay.registered"]:
                missing.append("pay.registered")
            if not facts["pay.balanced"]:
                missing.append("pay.balanced")
        if facts["pay.for_data"]:
            handed_over = action in ("provide", "entrust", "joint", "publish") or recipient in ("company", "insurer")
            if paying or (personal and recipient != "patient" and handed_over):
                fired.append("AH-7.2")
                forbidden = True
        if paying:
            fired.append("AH-7.3")
            obligations.append("AH-7.3")

    # --- The answer (docs/spec/decision.md, Outcome)
    refused = any(facts["approval." + authority] == "refused" for authority in reviews)
    approvals = [a for a in dict.fromkeys(reviews) if facts["approval." + a] != "given"]
    # A ground could still come true on any day on which one is in force: each ground of personal information reads
    # only facts that somebody may change, and for other data it is enough that the data could be anonymised.
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
