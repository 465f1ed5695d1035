"""Lies about decisions and rulebooks."""

from __future__ import annotations

import datetime as dt

from msgspec import structs

from heyi.app.rulebooks import shelf
from heyi.crypto.canonical import digest
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, registered
from heyi.exchange.request.apply import decide
from heyi.exchange.request.register import adopt_rulebook
from heyi.model.decision import Outcome as Answer
from heyi.sources.rulebook import read_rulebook
from oracles.forge import again, first, forge
from oracles.lies_about_facts import ground
from oracles.lying import (
    CLAIM,
    HOSPITAL,
    NOWHERE,
    REFERRAL,
    Expected,
    Operator,
    Outcome,
    Room,
    Shown,
)

ROOM = Room()
lie = ROOM.lie
PERMIT_ALL = """---
id: ALL
instrument: {zh: 一切皆可, en: Everything goes}
rank: law
jurisdiction: cn
---

## 条 {#ALL-1 from=2020-01-01 en="Article"}
> 文

```rule ALL-1.1 ground
when:   true
track:  personal
says:   {zh: 可, en: may}
```

```rule ALL-1.2 ground
when:   true
track:  other
says:   {zh: 可, en: may}
```
"""


# --- decisions ---


def decided(op: Operator, *, case: str = CLAIM, asset: str = HOSPITAL, **changed: object) -> int:
    """Decide a case again, and change the leaf."""
    made, body = ground(op, case, asset, {})
    made = structs.replace(made, **changed)
    return forge(op.consortium, made, by=PLATFORM, case=case, body=body)


@lie("the law permits it")
def another_outcome(op: Operator) -> Outcome:
    """The leaf says permit where the rules say no."""
    entry = decided(op, outcome=Answer.PERMIT, curable=False)
    return Expected(entry=entry, words="the decision replays to another answer: outcome")


@lie("no duties come with it")
def a_decision_without_its_duties(op: Operator) -> Outcome:
    """The leaf leaves the obligations out."""
    entry = decided(op, case=REFERRAL, asset="township-01-records", obligations=())
    return Expected(entry=entry, words="replays to another answer: obligations")


@lie("these are the words that the bytecode read")
def other_packed_facts(op: Operator) -> Outcome:
    """The packed words are those of other facts than were stated."""
    made, body = ground(op, CLAIM, HOSPITAL, {})
    spec = op.consortium.point.book.schema.spec("consent.separate")
    assert spec.slot is not None
    word, bit = spec.slot
    words = list(body.words)
    words[word] = f"{int(words[word], 16) ^ (3 << bit):064x}"
    body = structs.replace(body, words=tuple(words))
    entry = forge(op.consortium, made, by=PLATFORM, case=CLAIM, body=body)
    return Expected(entry=entry, words="the packed facts are not those that were stated")


@lie("the rulebook in force decided")
def another_rulebook(op: Operator) -> Outcome:
    """The decision names a rulebook that nobody adopted."""
    return Expected(entry=decided(op, rulebook=NOWHERE), words="by another rulebook")


@lie("it was decided while the old law was in force")
def another_legal_day(op: Operator) -> Outcome:
    """The decision is made for a day that is over."""
    entry = decided(op, legal_day=dt.date(2020, 1, 1))
    return Expected(entry=entry, words="on another day, than was in force")


@lie("the case asked for these data")
def an_asset_that_was_not_asked_for(op: Operator) -> Outcome:
    """The decision is on an asset that the request does not name."""
    entry = decided(op, asset="tcm-hospital-records")
    return Expected(entry=entry, words="which the case does not ask for")


@lie("the platform decided")
def a_decision_by_the_requester(op: Operator) -> Outcome:
    """The requester is named as the one who decides."""
    made, body = ground(op, CLAIM, HOSPITAL, {})
    entry = forge(op.consortium, made, by="insurer", case=CLAIM, body=body)
    return Expected(entry=entry, words="is no operator, and acts as one")


@lie("the rulebook of the consortium judged")
def a_rulebook_for_a_moment(op: Operator) -> Outcome:
    """Adopt a rulebook that permits everything, decide by it, and adopt the right one again."""
    texts = {"facts.toml": read_rulebook()["facts.toml"], "all.md": PERMIT_ALL}
    right, op.consortium.point = op.consortium.point, shelf().point(texts)
    adopt_rulebook(op.consortium, by=PLATFORM)
    decision = decide(op.consortium, CLAIM, by=PLATFORM)[HOSPITAL]
    assert decision.outcome is Answer.PERMIT, decision
    op.consortium.point = right
    adopt_rulebook(op.consortium, by=PLATFORM)
    return Shown(rulebook=digest(texts), decisions=1)


@lie("this rulebook is in force")
def a_rulebook_that_nobody_can_read(op: Operator) -> Outcome:
    """The texts of an adopted rulebook are nowhere."""
    what = registered.RulebookAdopted(digest=NOWHERE, layout="", rules=0)
    entry = forge(op.consortium, what, by=PLATFORM)
    return Expected(entry=entry, words="is not kept with the log")


@lie("the rulebook has so many rules")
def another_number_of_rules(op: Operator) -> Outcome:
    """The adoption says another number than the texts have."""
    entry = again(op.consortium, first(op.consortium, registered.RulebookAdopted), rules=1)
    return Expected(entry=entry, words="another number of rules")


@lie("two readings of the rulebook differ, so the answer must be no")
def a_false_alarm(op: Operator) -> Outcome:
    """An alarm follows a decision on which the readings agree."""
    decide(op.consortium, CLAIM, by=PLATFORM)
    what = applied.AlarmRaised(asset=HOSPITAL, alarm="two readings differ on PIPL-23.1")
    entry = forge(op.consortium, what, by=PLATFORM, case=CLAIM)
    return Expected(entry=entry, words="which agree")


@lie("two readings of the rulebook differ, so the answer must be no")
def an_alarm_of_no_decision(op: Operator) -> Outcome:
    """An alarm is raised, and nothing was decided before it."""
    what = applied.AlarmRaised(asset=HOSPITAL, alarm="two readings differ on PIPL-23.1")
    entry = forge(op.consortium, what, by=PLATFORM, case=CLAIM)
    return Expected(entry=entry, words="the alarm is of no decision")
