"""The card of a request: who asks for what, the answers by round, and what would change them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from heyi.exchange.case_file import Case
from heyi.exchange.consortium import Consortium
from heyi.exchange.events import applied
from heyi.model.decision import Decision, Effect, Outcome, RuleFinding, Text
from heyi.model.kleene import Truth
from heyi.policy.explain import step
from heyi.policy.language import ir
from heyi.policy.language.deadline import in_words
from heyi.report.data import (
    AnswerPart,
    Badge,
    Duty,
    HolderAnswers,
    Need,
    Opinion,
    RemedyRow,
    RequestCard,
    Round,
    RuleRow,
)
from heyi.report.logged import events
from heyi.report.words import (
    OUTCOMES,
    authority,
    badge,
    because,
    condition,
    kind_label,
    listed,
    sentence_case,
    status,
    who,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRound:
    """One round of decisions by asset; `event` is what led to it, None for the first round."""

    decisions: Mapping[str, Decision]
    event: Text | None = None


def card(consortium: Consortium, case: str, decided: Sequence[DecisionRound]) -> RequestCard:
    """The card of a case that was decided in these rounds; the last round is in force."""
    the_case = consortium.case(case)
    request, schema = the_case.request, consortium.point.book.schema

    def label(fact: str, value: str) -> Text:
        return Text(
            zh=schema.facts[fact].label(value, "zh"), en=schema.facts[fact].label(value, "en")
        )

    rounds, before = [], None
    for n, latest in enumerate(decided):
        # authorities speak between rounds, and the state keeps only what they said last
        spoken = _spoken(the_case) if n and n == len(decided) - 1 else {}
        rounds.append(_round(consortium, latest, before, spoken))
        before = latest.decisions
    return RequestCard(
        id=case,
        title=Text(zh=request.zh, en=sentence_case(request.en)),
        requester=_name(consortium, request.requester),
        recipient=None
        if request.recipient == request.requester
        else _name(consortium, request.recipient),
        holders=tuple(_holder(consortium, a) for a in request.assets),
        kinds=tuple(kind_label(k) for k in request.kinds),
        action=label("act.action", request.action),
        purpose=label("act.purpose", request.purpose),
        delivery=label("act.delivery", request.delivery),
        rounds=tuple(rounds),
        opinions=_opinions(consortium, case),
        matrix=_matrix(consortium, request.assets, decided),
        outcome=_summary(decided[-1].decisions),
        afterwards=_afterwards(len(the_case.permits), len(the_case.revoked)),
    )


def answer_part(
    consortium: Consortium,
    decisions: Sequence[Decision],
    holders: Sequence[Text],
    spoken: Mapping[str, str] | None = None,
) -> AnswerPart:
    """One answer, which all these decisions give for the same reasons.

    `spoken` is what each authority said before: `given` or `refused`.
    """
    spoken = spoken or {}
    book, first = consortium.point.book, decisions[0]
    counts = Counter(f.rule for d in decisions for f in d.findings)
    findings = {f.rule: f for d in decisions for f in d.findings}
    settle = [f.rule for f in _deciding(first, spoken)]

    def rows(rules: Sequence[str]) -> tuple[RuleRow, ...]:
        of = {r: n for r, n in counts.items() if n < len(decisions)}
        return tuple(_rule(book, findings[r], spoken, of=of.get(r)) for r in rules)

    return AnswerPart(
        holders=tuple(holders),
        badge=badge(first.outcome, first.curable),
        decided_by=rows(settle),
        also_read=rows(sorted(set(counts) - set(settle))),
        missing=_missing(book, first),
        unknown=tuple(
            Need(what=book.schema.facts[f].name, because=because(why), who=_answers_for(book, f))
            for f, why in first.unknown.items()
        ),
        approvals=tuple(_approval(book, a, spoken.get(a)) for a in first.approvals),
        duties=tuple(
            Duty(says=o.says, who=who(book, o.party), due=o.due)
            for o in first.obligations
            if not o.baseline
        ),
        remedies=tuple(
            RemedyRow(
                steps=tuple(Text(zh=step(book, s, "zh"), en=step(book, s, "en")) for s in r.steps),
                promises=badge(r.promises, False),
            )
            for r in first.remedies
        ),
        alarm=first.alarm,
    )


def _deciding(decision: Decision, spoken: Mapping[str, str]) -> list[RuleFinding]:
    """The findings that settle an outcome, in the order in which the law asks them.

    Among equals the highest instrument is first. Source: docs/spec/decision.md.
    """
    found = sorted(decision.findings, key=lambda f: (-f.rank.order, f.rule))
    grounds = [f for f in found if f.effect is Effect.GROUND and f.truth is Truth.TRUE]
    reviews = [f for f in found if f.effect is Effect.REVIEW]
    match decision.outcome:
        case Outcome.DENY:
            forbids = [f for f in found if f.effect is Effect.FORBID]
            unmet = [f for f in found if f.effect is Effect.REQUIRE and not f.met]
            refused = [f for f in reviews if spoken.get(f.party) == "refused"]
            return [*forbids, *refused, *unmet] or reviews
        case Outcome.NEEDS_APPROVAL:
            return reviews
        case Outcome.PERMIT_WITH_OBLIGATIONS:
            return [
                *grounds,
                *(
                    f
                    for f in found
                    if f.rule in {o.rule for o in decision.obligations if not o.baseline}
                ),
            ]
        case Outcome.PERMIT:
            return [*grounds, *reviews]


def _approval(book: ir.Rulebook, name: str, said: str | None) -> Text:
    label = authority(book, name)
    if said is None:
        return label
    word = book.schema.facts[f"approval.{name}"].values[said]
    return Text(zh=f"{label.zh}（{word.zh}）", en=f"{label.en} ({word.en})")


def _rule(
    book: ir.Rulebook, finding: RuleFinding, spoken: Mapping[str, str], *, of: int | None
) -> RuleRow:
    words, tone = status(finding, spoken.get(finding.party))
    article = book.articles.get(finding.article)
    return RuleRow(
        rule=finding.rule,
        status=words,
        tone=tone,
        says=finding.says,
        article=article.heading if article else Text(zh=finding.article, en=finding.article),
        instrument=finding.instrument,
        binds=_binds(book, book.by_id[finding.rule]) if finding.effect is Effect.OBLIGE else None,
        of=of,
    )


def _binds(book: ir.Rulebook, rule: ir.Rule) -> Text:
    assert rule.deadline is not None
    by, until = who(book, rule.party), in_words(rule.deadline)
    return Text(zh=f"{by.zh}；{until.zh}", en=f"{by.en}; {until.en}")


def _missing(book: ir.Rulebook, decision: Decision) -> tuple[Need, ...]:
    """Each missing fact once, with everybody who can supply it."""
    parties: dict[str, list[Text]] = {}
    for m in decision.missing:
        role = who(book, m.party)
        if role not in parties.setdefault(m.fact, []):
            parties[m.fact].append(role)
    return tuple(
        Need(what=book.schema.facts[f].name, who=listed(roles)) for f, roles in parties.items()
    )


def _answers_for(book: ir.Rulebook, fact: str) -> Text:
    """Who can supply an unknown fact: whoever may change it, else the source that it needs."""
    spec = book.schema.facts[fact]
    return listed([who(book, name) for name in spec.changed_by or (spec.source.label,)])


def _round(
    consortium: Consortium,
    latest: DecisionRound,
    before: Mapping[str, Decision] | None,
    spoken: Mapping[str, str],
) -> Round:
    alike: dict[tuple[object, ...], list[str]] = {}
    for asset, d in latest.decisions.items():
        alike.setdefault(_same(d, spoken), []).append(asset)
    days = sorted({d.legal_day for d in latest.decisions.values()})
    return Round(
        day=days[0].isoformat(),
        event=latest.event,
        changes=_changes(before, latest.decisions) if before else (),
        answers=tuple(
            answer_part(
                consortium,
                [latest.decisions[a] for a in assets],
                [_holder(consortium, a) for a in assets],
                spoken,
            )
            for assets in alike.values()
        ),
    )


def _spoken(case: Case) -> dict[str, str]:
    """What each authority said about the case: `given` or `refused`."""
    return {
        s.name.removeprefix("approval."): str(s.value)
        for s in case.statements.values()
        if s.name.startswith("approval.")
    }


def _same(d: Decision, spoken: Mapping[str, str]) -> tuple[object, ...]:
    """The key of a decision; decisions with equal keys are one answer on a card."""
    settled = tuple((f.rule, f.truth, f.met) for f in _deciding(d, spoken))
    return (
        d.outcome,
        d.curable,
        settled,
        d.missing,
        tuple(d.unknown.items()),
        d.approvals,
        d.remedies,
        d.alarm,
    )


def _changes(before: Mapping[str, Decision], after: Mapping[str, Decision]) -> tuple[Text, ...]:
    """How answers changed, with how many data sets each change concerns."""
    moves: Counter[tuple[tuple[Outcome, bool], tuple[Outcome, bool]]] = Counter()
    for name, d in after.items():
        if name in before:
            moves[(before[name].outcome, before[name].curable), (d.outcome, d.curable)] += 1
    lines = []
    for (old, new), n in moves.items():
        was, now = badge(*old).words, badge(*new).words
        if len(after) == 1:
            lines.append(Text(zh=f"{was.zh} → {now.zh}", en=f"{was.en} → {now.en}"))
        elif old == new:
            lines.append(Text(zh=f"{n} 个数据集不变：{now.zh}", en=f"{n} unchanged: {now.en}"))
        else:
            lines.append(
                Text(
                    zh=f"{n} 个数据集：{was.zh} → {now.zh}", en=f"{n} changed: {was.en} → {now.en}"
                )
            )
    return tuple(lines)


def _matrix(
    consortium: Consortium, assets: Sequence[str], decided: Sequence[DecisionRound]
) -> tuple[HolderAnswers, ...]:
    """The answers by institution; empty if all institutions got the same answer in each round."""
    if all(len({(d.outcome, d.curable) for d in r.decisions.values()}) == 1 for r in decided):
        return ()
    rows = []
    for name in assets:
        # a decision whose body was erased is missing from its round
        answers = [r.decisions[name] for r in decided if name in r.decisions]
        last = answers[-1]
        lacks = [n.what for n in _missing(consortium.point.book, last)]
        lacks += [consortium.point.book.schema.facts[f].name for f in last.unknown]
        rows.append(
            HolderAnswers(
                holder=_holder(consortium, name),
                badges=tuple(badge(d.outcome, d.curable) for d in answers),
                lacks=tuple(lacks),
            )
        )
    return tuple(rows)


def _summary(decisions: Mapping[str, Decision]) -> Badge:
    """The badge of a card: the common answer, or how many institutions got which answer."""
    counts = Counter((d.outcome, d.curable) for d in decisions.values())
    if len(counts) == 1:
        return badge(*next(iter(counts)))
    parts = [(badge(*o), counts[o]) for o in OUTCOMES if o in counts]
    words = Text(
        zh="，".join(f"{n} 家{b.words.zh.replace('，', '、')}" for b, n in parts),
        en="; ".join(f"{n} {b.words.en}" for b, n in parts),
    )
    return replace(parts[0][0], words=words)


def _opinions(consortium: Consortium, case: str) -> tuple[Opinion, ...]:
    """What authorities decided; each decision once, though it was logged for every data set."""
    found: dict[Opinion, None] = {}
    for entry in events(consortium, case):
        what, body = entry.what, entry.content(applied.Reasons)
        if not isinstance(what, applied.ApprovalAnswered):
            continue
        opinion = Opinion(
            authority=authority(consortium.point.book, what.authority),
            given=isinstance(what, applied.ApprovalGiven),
            reasons=body.reasons if body else None,
            conditions=listed([condition(n, v) for n, v in sorted(what.conditions.items())])
            if what.conditions
            else None,
        )
        found.setdefault(opinion)
    return tuple(found)


def _afterwards(permits: int, revoked: int) -> Text | None:
    if not permits:
        return None
    if revoked:
        return Text(
            zh=f"发放许可 {permits} 份，其后撤销 {revoked} 份",
            en=f"permits issued: {permits}; revoked later: {revoked}",
        )
    return Text(zh=f"发放许可 {permits} 份", en=f"permits issued: {permits}")


def _name(consortium: Consortium, party: str) -> Text:
    known = consortium.party(party)
    return Text(zh=known.zh, en=known.en)


def _holder(consortium: Consortium, asset: str) -> Text:
    return _name(consortium, consortium.asset(asset).holder)
