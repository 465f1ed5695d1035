"""Laws L1 to L7 of docs/spec/decision.md over the shipped rulebook; L8 is in `test_remedies`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from heyi.crypto.canonical import canonical
from heyi.model.decision import Decision, Effect, Outcome
from heyi.model.errors import RuleError
from heyi.model.fact import Value
from heyi.model.kleene import Truth
from heyi.policy.decide import DecisionPoint
from heyi.policy.decision_json import decision_to_json
from heyi.policy.engines.interpret import evaluate
from heyi.policy.engines.packed import pack, unpack
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.jurisdictions import CONSORTIUM_FILE
from heyi.policy.language.norms import NORMS_FILE
from heyi.policy.language.schema import LEGAL_DAY, Admitted, FactSpec, FactType, Schema, to_ordinals

Facts = dict[str, Value]
Pool = dict[str, tuple[Value, ...]]
Decide = Callable[[Mapping[str, Value]], Decision]
Requests = st.SearchStrategy[Facts]
Texts = st.SearchStrategy[dict[str, str]]
LAWS = settings(max_examples=300)
PACKS = settings(max_examples=15, phases=[Phase.generate])  # each compiles: too slow to shrink


def strictness(decision: Decision) -> int:
    """0 for a permit to 4 for a denial beyond cure."""
    return list(Outcome).index(decision.outcome) + (
        decision.outcome is Outcome.DENY and not decision.curable
    )


def duties(decision: Decision) -> set[str]:
    return {o.rule for o in decision.obligations}


# --- L1: unknown never opens --------------------------------------------------------------------


def test_l1_a_permit_without_a_fact_is_a_permit_for_each_of_its_values(
    requests: Requests, pool: Pool, stated: tuple[str, ...], decide: Decide
) -> None:
    permits = 0

    @settings(max_examples=1_000)
    @given(requests, st.sampled_from(stated))
    def law(facts: Facts, name: str) -> None:
        nonlocal permits
        without = decide({n: v for n, v in facts.items() if n != name})
        if not without.outcome.is_permit:
            return
        permits += 1
        for value in pool[name]:
            told = decide({**facts, name: value})
            assert told.outcome.is_permit, (
                f"{name} = {value!r} turns a permit into {told.outcome.value}"
            )
            assert duties(told) <= duties(without)

    law()
    assert permits >= 100, permits


def test_l1_at_every_fact_of_every_complete_profile(
    complete: dict[str, Facts], pool: Pool, stated: tuple[str, ...], decide: Decide
) -> None:
    permits = 0
    for facts in complete.values():
        for name in stated:
            without = decide({n: v for n, v in facts.items() if n != name})
            if not without.outcome.is_permit:
                continue
            for value in pool[name]:
                told = decide({**facts, name: value})
                assert told.outcome.is_permit and duties(told) <= duties(without), (name, value)
                permits += 1
    assert permits >= 500, permits


# --- L2: a true red line denies -----------------------------------------------------------------


def test_l2_a_red_line_denies_whatever_else_is_true(
    point: DecisionPoint, anything: Callable[[Random, float], Facts], decide: Decide
) -> None:
    rng = Random(2)
    crossed: dict[str, Facts] = {}  # for each red line the facts of a worked case that crosses it
    for case in point.book.cases:
        facts: Facts = {LEGAL_DAY: case.at}
        facts |= {n: point.book.schema.spec(n).check(v) for n, v in case.given.items()}
        for finding in decide(facts).findings:
            if finding.effect is Effect.FORBID and finding.truth is Truth.TRUE:
                crossed.setdefault(finding.rule, facts)
    assert set(crossed) == {r.id for r in point.book.rules if r.effect is Effect.FORBID}
    for rule, facts in crossed.items():
        kept = {n: facts[n] for n in (LEGAL_DAY, *point.book.by_id[rule].facts) if n in facts}
        for unknown in (0.0, 0.0, 0.3, 0.8, 1.0) * 6:
            decision = decide({**anything(rng, unknown), **kept})
            assert (decision.outcome, decision.curable) == (Outcome.DENY, False), rule
            assert rule in {f.rule for f in decision.findings if f.truth is Truth.TRUE}


# --- L3: no ground, no permit -------------------------------------------------------------------


def has_ground(book: ir.Rulebook, known: ir.Known, track: ir.Track) -> bool:
    return any(
        rule.track == track.id
        and evaluate(rule.applies, known) is True
        and (rule.effect is Effect.GROUND or known.get(rule.approval) == "given")
        for rule in book.rules
    )


def test_l3_without_a_ground_there_is_no_permit(
    point: DecisionPoint, requests: Requests, decide: Decide
) -> None:
    book, count = point.book, {"ungrounded": 0, "permit": 0}

    @settings(LAWS, max_examples=500)
    @given(
        requests,
        st.sampled_from(["basis.kind", "basis.law_cited", "consent.given", "data.personal", ""]),
    )
    def law(facts: Facts, forgotten: str) -> None:
        facts.pop(forgotten, None)
        decision = decide(facts)
        known = to_ordinals(facts)
        open_tracks = [t for t in book.tracks if evaluate(t.opens, known) is not False]
        assert open_tracks, "one of the tracks is always open"
        grounded = all(has_ground(book, known, t) for t in open_tracks)
        count["ungrounded"] += not grounded
        count["permit"] += decision.outcome.is_permit
        assert grounded or not decision.outcome.is_permit

    law()
    assert min(count.values()) >= 40, count


# --- L4 and L5: packs that are added ------------------------------------------------------------


def atoms(spec: FactSpec) -> st.SearchStrategy[str]:
    match spec.type:
        case FactType.BOOL:
            return st.sampled_from([spec.id, f"!{spec.id}"])
        case FactType.ENUM:
            return st.sampled_from(
                [f'{spec.id} {op} "{v}"' for v in spec.values for op in ("==", "!=")]
            )
        case FactType.SET:
            return st.sampled_from(
                [f'{op}({spec.id}, ["{v}"])' for v in spec.values for op in ("subset", "overlap")]
            )
        case FactType.INT:
            return st.builds(
                f"{spec.id} {{}} {{}}".format,
                st.sampled_from(["<", ">="]),
                st.just(spec.minimum + 1),
            )
        case FactType.DATE:
            return st.sampled_from([f'{spec.id} {op} date("2025-01-01")' for op in ("<", ">=")])


def conditions(specs: list[FactSpec]) -> st.SearchStrategy[str]:
    some = st.one_of([atoms(s) for s in specs])
    return st.recursive(
        some,
        lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner),
        max_leaves=4,
    )


def packs(
    schema: Schema, *, rank: st.SearchStrategy[str], jurisdiction: str, tracks: list[str]
) -> Texts:
    """Texts of generated packs: a few rules of every effect, some with an exception."""
    stated = [s for s in schema.facts.values() if not s.derived]
    when = conditions(stated) | st.just("true")
    needs = conditions([s for s in stated if s.changed_by])
    says = "says: {zh: 生成, en: generated}"
    rules = st.one_of(
        st.builds("forbid\nwhen: {}\nparty: handler".format, conditions(stated)),
        st.builds("require\nwhen: {}\nneeds: {}\nparty: handler".format, when, needs),
        st.builds(
            "review\nwhen: {}\nauthority: {}".format,
            when,
            st.sampled_from(["holder", "data_committee"]),
        ),
        st.builds("oblige\nwhen: {}\nowes: handler before use".format, when),
        st.builds("ground\nwhen: {}\ntrack: {}".format, when, st.sampled_from(tracks)),
        st.builds(
            "review\nwhen: {}\nauthority: holder\nmay: ground\ntrack: {}".format,
            when,
            st.sampled_from(tracks),
        ),
    )
    excepts = st.just("") | st.builds("\nexcept: [GEN-1] {}".format, conditions(stated))

    def text(rank: str, bodies: list[tuple[str, str]], always: bool) -> dict[str, str]:
        blocks = [
            f"```rule GEN-1.{n} {body}{exc}\n{says}\n```\n"
            for n, (body, exc) in enumerate(bodies, 1)
        ]
        if always:  # whatever the pack says, its tracks have a ground
            blocks += [
                f"```rule GEN-1.{t} ground\nwhen: true\ntrack: {t}\n{says}\n```\n" for t in tracks
            ]
        return {
            "local/generated.md": "---\nid: gen\ninstrument: {zh: 生成, en: generated}\n"
            f"rank: {rank}\njurisdiction: {jurisdiction}\n---\n\n"
            '## 一 {#GEN-1 from=2020-01-01 en="generated"}\n\n' + "\n".join(blocks)
        }

    return st.builds(
        text, rank, st.lists(st.tuples(rules, excepts), min_size=1, max_size=4), st.booleans()
    )


def extended(point: DecisionPoint, texts: dict[str, str]) -> DecisionPoint:
    """The rulebook with more packs; invented law is in no register, and applies to everybody."""
    shipped = {
        name: text
        for name, text in point.book.texts.items()
        if name not in (NORMS_FILE, CONSORTIUM_FILE)
    }
    own = {name: text for name, text in shipped.items() if not name.startswith("eu/")}
    return DecisionPoint(compile_rulebook({**own, **texts}))


def test_l4_a_pack_of_lower_rank_only_tightens(
    point: DecisionPoint, schema: Schema, near: Callable[[Random], Facts]
) -> None:
    count = {"no permit": 0, "tightened": 0}
    lower = st.sampled_from(["agreement", "standard", "normative", "department-rule"])

    @PACKS
    @given(packs(schema, rank=lower, jurisdiction="cn", tracks=["other"]))
    def law(texts: dict[str, str]) -> None:
        other, rng = extended(point, texts), Random(texts["local/generated.md"])
        for _ in range(30):
            # an agreement may ground the track `other`, so the requests here open `personal` alone
            admitted = Admitted(known={**near(rng), "data.personal": True}, rejected={})
            before, after = point.decide(admitted), other.decide(admitted)
            assert strictness(after) >= strictness(before)
            count["no permit"] += not before.outcome.is_permit
            count["tightened"] += before.outcome.is_permit and not after.outcome.is_permit

    law()
    assert count["no permit"] >= 50 and count["tightened"] >= 10, count


def test_l4_an_agreement_cannot_ground_what_needs_a_regulation(point: DecisionPoint) -> None:
    for rank, accepted in (
        ("agreement", False),
        ("department-rule", False),
        ("regulation", True),
        ("law", True),
    ):
        text = (
            "---\nid: gen\ninstrument: {zh: 生成, en: generated}\n"
            f"rank: {rank}\njurisdiction: cn\n---\n"
            '## 一 {#GEN-1 from=2020-01-01 en="one"}\n'
            "```rule GEN-1.1 ground\nwhen: true\ntrack: personal\nsays: {zh: 一, en: one}\n```\n"
        )
        if accepted:
            extended(point, {"local/generated.md": text})
        else:
            with pytest.raises(RuleError, match="ranks too low to ground `personal`"):
                extended(point, {"local/generated.md": text})


def test_l5_another_jurisdiction_never_softens(
    point: DecisionPoint, schema: Schema, near: Callable[[Random], Facts]
) -> None:
    count = {"permit": 0, "kept": 0, "stricter": 0}
    any_rank = st.sampled_from(["agreement", "regulation", "law"])
    tracks = ["personal", "other"]

    @PACKS
    @given(
        any_rank.flatmap(
            lambda r: packs(
                schema,
                rank=st.just(r),
                jurisdiction="elsewhere",
                tracks=["other"] if r == "agreement" else tracks,
            )
        )
    )
    def law(texts: dict[str, str]) -> None:
        both, rng = extended(point, texts), Random(texts["local/generated.md"])
        assert set(both.book.jurisdictions) == {"cn", "elsewhere"}
        for _ in range(30):
            admitted = Admitted(known=near(rng), rejected={})
            before, after = point.decide(admitted), both.decide(admitted)
            assert strictness(after) >= strictness(before)
            assert set(before.cites) <= set(after.cites), "the lists of jurisdictions are united"
            assert {(m.fact, m.rule) for m in before.missing} <= {
                (m.fact, m.rule) for m in after.missing
            }
            count["permit"] += before.outcome.is_permit
            count["kept"] += before.outcome.is_permit and after.outcome.is_permit
            count["stricter"] += strictness(after) > strictness(before)

    law()
    assert count["permit"] >= 50 and count["stricter"] >= 30, count


# --- L6 and L7 ----------------------------------------------------------------------------------


def test_l6_facts_that_nothing_reads_do_not_matter(
    point: DecisionPoint, requests: Requests, pool: Pool, decide: Decide
) -> None:
    book = point.book
    read = {LEGAL_DAY, *(f for t in book.tracks for f in ir.facts_read(t.opens))}
    for rule in book.rules:
        read |= {*ir.facts_read(rule.applies), *ir.facts_read(rule.needs), rule.approval}
    unread = sorted(set(pool) - read)
    assert unread, "the schema has facts that no rule reads"
    assert len(read & set(pool)) > 40

    @LAWS
    @given(requests, st.data())
    def law(facts: Facts, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(unread))
        without = decide({n: v for n, v in facts.items() if n != name})
        for value in pool[name]:
            assert decide({**facts, name: value}) == without

    law()


def test_l7_the_same_words_give_the_same_bytes(
    point: DecisionPoint, schema: Schema, requests: Requests
) -> None:
    second = DecisionPoint(compile_rulebook(dict(reversed(list(point.book.texts.items())))))
    answers = set()

    @LAWS
    @given(requests, st.randoms(use_true_random=False))
    def law(facts: Facts, rng: Random) -> None:
        words = pack(schema, facts)
        assert unpack(schema, words) == facts
        shuffled = {n: facts[n] for n in rng.sample(sorted(facts), len(facts))}
        assert pack(schema, shuffled) == words
        results = {
            canonical(decision_to_json(reader.decide(Admitted(known=known, rejected={}))))
            for reader in (point, second)
            for known in (facts, shuffled, unpack(schema, words))
        }
        assert len(results) == 1
        answers.update(results)

    law()
    assert len(answers) >= 20
    assert second.book.digest == point.book.digest
