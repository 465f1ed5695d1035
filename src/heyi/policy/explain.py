"""Explanations: a decision in words, Chinese or English, with an article for each reason.

answer: denied, can be cured
  ✗ a guardian must consent [Personal Information Protection Law, PIPL-31]
missing: consent of the guardian (the patient can supply it)
remedy 1: consent of the guardian → yes (the patient) → permitted
"""

from __future__ import annotations

from heyi.model.decision import Decision, Effect, Outcome, RuleFinding, Step
from heyi.model.kleene import Truth
from heyi.policy.language import ir
from heyi.policy.language.schema import FactType

HEADLINE = {
    (Outcome.PERMIT, False): ("准许", "permitted"),
    (Outcome.PERMIT_WITH_OBLIGATIONS, False): ("准许，并须履行义务", "permitted, with obligations"),
    (Outcome.NEEDS_APPROVAL, False): ("须经批准", "needs approval"),
    (Outcome.DENY, True): ("不准许，可补正", "denied, can be cured"),
    (Outcome.DENY, False): ("不准许，不可补正", "denied beyond cure"),
}

DISCLAIMER = (
    "本结论由规则自动得出，不构成法律意见。",
    "This answer was computed from rules; it is not legal advice.",
)

PARTIES = {
    "handler": ("处理者", "the handler"),
    "provider": ("提供方", "the provider"),
    "recipient": ("接收方", "the recipient"),
    "requester": ("申请人", "the requester"),
    "subject": ("患者本人", "the patient"),
    "authority": ("主管机构", "the authority"),
    "registry": ("登记处", "the registry"),
    "catalogue": ("数据目录", "the catalogue"),
    "profile": ("机构登记", "the institution's registry entry"),
    "attested": ("主管机构出具证明", "an attestation of the authority"),
    "declared": ("申请人", "the requester"),
}


def explain(book: ir.Rulebook, decision: Decision, lang: str) -> list[str]:
    """The decision as lines for a person; `lang` is `zh` or `en`.

    In this order: answer, reasons, what is missing or unknown, who must approve, duties, remedies.
    """
    zh = lang == "zh"
    head = HEADLINE[decision.outcome, decision.curable][0 if zh else 1]
    lines = [f"{'结论' if zh else 'answer'}: {head}"]
    if decision.alarm:
        lines.append(f"{'警报' if zh else 'alarm'}: {decision.alarm}")
    for finding in decision.findings:
        if finding.effect is not Effect.GROUND or finding.truth is Truth.TRUE:
            lines.append("  " + reason(finding, lang))
    if decision.outcome is Outcome.DENY:
        for track in decision.ungrounded.values():
            lines.append(
                f"  ✗ 没有合法依据：{track.zh}" if zh else f"  ✗ no lawful ground: {track.en}"
            )
    for m in dict.fromkeys((m.fact, m.party) for m in decision.missing):
        who = party(m[1], lang)
        lines.append(
            f"{'缺少' if zh else 'missing'}: {fact(book, m[0], lang)}（{who}）"
            if zh
            else f"missing: {fact(book, m[0], lang)} ({who} can supply it)"
        )
    for name, why in decision.unknown.items():
        lines.append(
            f"{'未知' if zh else 'unknown'}: {fact(book, name, lang)} [{name}]: {_why(why, zh)}"
        )
    refused = {
        book.by_id[f.rule].authority
        for f in decision.findings
        if f.effect is Effect.REVIEW and f.met is False
    }
    for authority in (a for a in decision.approvals if a not in refused):
        lines.append(f"{'待批准' if zh else 'to approve'}: {_authority(book, authority, lang)}")
    for o in decision.obligations:
        if not o.baseline:
            says = o.says.zh if zh else o.says.en
            lines.append(
                f"{'义务' if zh else 'duty'}: {says}（{party(o.party, lang)}，{o.due.zh}）"
                if zh
                else f"duty: {says} ({party(o.party, lang)}, {o.due.en})"
            )
    for n, remedy in enumerate(decision.remedies, 1):
        steps = (
            "；".join(step(book, s, lang) for s in remedy.steps)
            if zh
            else "; ".join(step(book, s, lang) for s in remedy.steps)
        )
        promise = HEADLINE[remedy.promises, False][0 if zh else 1]
        lines.append(f"{'办法' if zh else 'remedy'} {n}: {steps} → {promise}")
    lines.append(DISCLAIMER[0 if zh else 1])
    return lines


def reason(finding: RuleFinding, lang: str) -> str:
    """The sentence of one rule, with its instrument and article.

    The mark is ✓ for met, ✗ for against the request, ? for undetermined, ◇ for a review and → for
    a duty.
    """
    zh = lang == "zh"
    says, instrument = (
        (finding.says.zh, finding.instrument.zh) if zh else (finding.says.en, finding.instrument.en)
    )
    if finding.met is True:
        mark = "✓"
    elif finding.effect is Effect.REVIEW and finding.met is False:
        mark, says = (
            "✗",
            f"{says}（{'已被拒绝' if zh else 'refused'}）" if zh else f"{says} (refused)",
        )
    elif finding.truth is Truth.UNKNOWN:
        mark = "?"
    else:
        mark = {
            Effect.FORBID: "✗",
            Effect.REQUIRE: "✗",
            Effect.REVIEW: "◇",
            Effect.OBLIGE: "→",
        }.get(finding.effect, "✓")
    source = f"《{instrument}》{finding.article}" if zh else f"{instrument}, {finding.article}"
    return f"{mark} {says} [{source}]"


def step(book: ir.Rulebook, change: Step, lang: str) -> str:
    """One step of a remedy: the fact, its new value, and who may change it."""
    spec = book.schema.facts[change.fact]
    value: object = {"true": True, "false": False}.get(change.value, change.value)
    if spec.type is FactType.SET:
        value = frozenset(change.value.split(", ")) - {""}
    who = ("、" if lang == "zh" else " or ").join(party(w, lang) for w in change.who)
    label = spec.name.zh if lang == "zh" else spec.name.en
    return (
        f"{label} → {spec.label(value, lang)}（{who}）"
        if lang == "zh"
        else f"{label} → {spec.label(value, lang)} ({who})"
    )


def fact(book: ir.Rulebook, name: str, lang: str) -> str:
    spec = book.schema.facts[name]
    return spec.name.zh if lang == "zh" else spec.name.en


def party(name: str, lang: str) -> str:
    """A party or a source of facts in words."""
    zh, en = PARTIES.get(name, (name, name))
    return zh if lang == "zh" else en


def _authority(book: ir.Rulebook, authority: str, lang: str) -> str:
    text = fact(book, f"approval.{authority}", lang)
    return text.removesuffix("审批") if lang == "zh" else text.removeprefix("decision of the ")


def _why(why: str, zh: bool) -> str:
    if why == "not stated":
        return "未说明" if zh else "not stated"
    return f"来源不足（{why}）" if zh else why
