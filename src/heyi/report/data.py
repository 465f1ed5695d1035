"""The data of a report, part by part; a part may be absent, so one template serves every report.

Texts are in both languages, amounts in yuan as they are printed, and counts are integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from heyi.model.decision import Text

Tone = Literal["good", "duty", "wait", "cure", "stop"]
"""The colour of a badge; a badge has words too, so that no meaning depends on colour alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedNumbers:
    """Counts from an independent check of the log.

    `erased` are the entries without a body; those of `lost` among them cannot be replayed.
    """

    decisions: int
    permits: int
    receipts: int
    settlements: int
    erased: tuple[int, ...]
    lost: tuple[int, ...]
    checkpoints: int
    faults: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    words: Text
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One big number of the headline."""

    label: Text
    value: str
    note: Text | None = None
    tone: Tone | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCount:
    badge: Badge
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """`outcomes` counts single decisions, one for each data set of each request and round."""

    sentence: Text
    figures: tuple[Figure, ...]
    outcomes: tuple[OutcomeCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """One column; `heading` as its file has it, `missing_permille` the share of empty values."""

    heading: str
    kind: Text
    level: int
    reason: Text
    missing_permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRow:
    """One data set.

    `hosted` is true if another institution's node serves it; `fields` is empty if its table of
    fields is not shown.
    """

    id: str
    title: Text
    holder: Text
    tier: Text
    hosted: bool
    encoding: str
    columns: int
    rows: int
    duplicates: int
    level: int
    reason: Text
    fields: tuple[FieldRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TierCount:
    """Institutions of one tier; `hosted` counts those whose data another one's node serves."""

    tier: Text
    institutions: int
    hosted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What institutions hold; `levels` counts the fields of level 1 to 5, in that order."""

    tiers: tuple[TierCount, ...]
    levels: tuple[int, int, int, int, int]
    assets: tuple[AssetRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule of an answer; `binds` says whom a duty binds and until when.

    `of` is the number of the answer's data sets to which it applies; None for all.
    """

    rule: str
    status: Text
    tone: Tone
    says: Text
    article: Text
    instrument: Text
    binds: Text | None = None
    of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is missing or unknown, who can supply it, and why it is unknown."""

    what: Text
    who: Text | None = None
    because: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    says: Text
    who: Text
    due: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyRow:
    """Steps that, taken together, lead to the answer `promises`."""

    steps: tuple[Text, ...]
    promises: Badge


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPart:
    """One answer, and the institutions whose data it is about.

    The rules in `decided_by` settle it; those in `also_read` apply too.
    """

    holders: tuple[Text, ...]
    badge: Badge
    decided_by: tuple[RuleRow, ...]
    also_read: tuple[RuleRow, ...]
    missing: tuple[Need, ...]
    unknown: tuple[Need, ...]
    approvals: tuple[Text, ...]
    duties: tuple[Duty, ...]
    remedies: tuple[RemedyRow, ...]
    alarm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of decisions: what led to it, how answers changed, and the answers."""

    day: str
    event: Text | None
    changes: tuple[Text, ...]
    answers: tuple[AnswerPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What an authority decided; `reasons` in its own words, None if they were erased."""

    authority: Text
    given: bool
    reasons: str | None
    conditions: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderAnswers:
    """One institution's answers in the rounds of a request, and what it lacks in the last one."""

    holder: Text
    badges: tuple[Badge, ...]
    lacks: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCard:
    """A request and its answers; `matrix` is empty if all institutions got the same answer."""

    id: str
    title: Text
    requester: Text
    recipient: Text | None
    holders: tuple[Text, ...]
    kinds: tuple[Text, ...]
    action: Text
    purpose: Text
    delivery: Text
    rounds: tuple[Round, ...]
    opinions: tuple[Opinion, ...]
    matrix: tuple[HolderAnswers, ...]
    outcome: Badge
    afterwards: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyRow:
    """Counts of one cell; `held_*` are how many institutions held back a small count in it."""

    label: Text
    before: int
    after: int
    held_before: int
    held_after: int

    @property
    def changed(self) -> bool:
        return (self.before, self.held_before) != (self.after, self.held_after)

    @property
    def difference(self) -> int:
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """A joined frequency table before and after one person withdrew.

    Counts below `min_cell` stay at the nodes.
    """

    title: Text
    min_cell: int
    answered: int
    hosts: int
    rows: tuple[FrequencyRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedBy:
    """The refusal of one institution's node."""

    holder: Text
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """Permits, and what nodes did under them.

    `refusals_after` came after the permits of the request were revoked.
    """

    permits: int
    revoked: int
    answered: int
    refused: int
    frequency: Frequency | None = None
    refusals_after: tuple[RefusedBy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """A slope as odds ratio with two decimals, and its sentence; `nano` is the slope in 1e-9."""

    name: Text
    odds: str
    words: Text
    nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPart:
    """The model of a study, and who took part.

    `reference` is a sentence about the person with whom all others are compared. A study without a
    model has no rounds and no coefficients.
    """

    title: Text
    outcome: Text
    reference: Text
    coefficients: tuple[Coefficient, ...]
    rounds: int
    answered: tuple[Text, ...]
    refused: tuple[RefusedBy, ...]
    not_permitted: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One institution's share.

    `contribution` is exact, `decimal` is rounded, and `scaled` is for the chart. `interval` is that
    of its part of all contributions, empty if the records do not give one.
    """

    party: str
    name: Text
    share_fen: int
    share: str
    contribution: str
    decimal: str
    scaled: float
    interval: str
    alone: str
    last: str
    why: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPart:
    """One statement in full; `certificate` is the digest of the settlement's certificate."""

    share: Share
    study: Text
    pot: str
    total: str
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payback:
    """How the pot was divided.

    `balanced` is true if shares and escrow sum to the pot, to the fen; `efficient` if the
    contributions sum to the total. `leave` is the decision that permitted the payment.
    """

    pot: str
    paid: str
    shared: str
    escrow: str
    balanced: bool
    disputes_until: str
    unit: Text
    total: str
    efficient: bool
    shares: tuple[Share, ...]
    sample: StatementPart | None
    leave: AnswerPart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    line: str
    does: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The state of the log.

    `root` is in hexadecimal; `checkpoint` is the last signed note, and `covers` the number of
    entries under it.
    """

    origin: str
    log_key: str
    size: int
    root: str
    checkpoint: str
    covers: int
    witness: str | None
    witness_key: str | None
    cosigned_at: str | None
    rulebook: str
    verified: VerifiedNumbers
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """One report; the page leaves out a part that is None or empty."""

    title: Text
    subtitle: Text
    headline: Headline
    notices: tuple[Text, ...]
    evidence: Evidence
    catalogue: Catalogue | None = None
    requests: tuple[RequestCard, ...] = field(default=())
    uses: Uses | None = None
    study: StudyPart | None = None
    payback: Payback | None = None
