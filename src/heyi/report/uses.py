"""Permits in use: what nodes answered, the frequency table, and what nodes refused."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from heyi.crypto.canonical import Json
from heyi.exchange.consortium import Consortium
from heyi.exchange.events.used import ResultReleased
from heyi.exchange.request.grant import seat
from heyi.model.decision import Text
from heyi.report.data import Frequency, FrequencyRow, RefusedBy, Uses
from heyi.report.logged import Tally
from heyi.report.words import kind_label, sentence_case, unit


def uses_of(
    consortium: Consortium,
    counted: Tally,
    *,
    frequency: Frequency | None = None,
    refused: Mapping[str, Mapping[str, str]] | None = None,
) -> Uses:
    """Counts over all cases; `frequency` and `refused` are shown beside them."""
    return Uses(
        permits=counted.kinds["permit.issued"],
        revoked=counted.kinds["permit.revoked"],
        answered=counted.kinds["operation.answered"],
        refused=counted.kinds["operation.refused"],
        frequency=frequency,
        refusals_after=refusals(consortium, refused or {}),
    )


def refusals(
    consortium: Consortium, refused: Mapping[str, Mapping[str, str]]
) -> tuple[RefusedBy, ...]:
    rows = []
    for holder, why in sorted(refused.items()):
        party = consortium.party(holder)
        rows.append(
            RefusedBy(
                holder=Text(zh=party.zh, en=party.en), reason=Text(zh=why["zh"], en=why["en"])
            ),
        )
    return tuple(rows)


def frequency_of(
    consortium: Consortium, case: str, released: ResultReleased, later: ResultReleased
) -> Frequency:
    """Two released frequency tables of one case, side by side."""
    the_case = consortium.case(case)
    before, after = released.figures, later.figures
    permits = [seat(consortium, case, p).permit for p in sorted(the_case.permits)]
    axes = [_classes(axis) for axis in before["by"]]
    cells = zip(
        before["labels"],
        before["cells"],
        after["cells"],
        before["held_back"],
        after["held_back"],
        strict=True,
    )
    return Frequency(
        title=Text(zh=the_case.request.zh, en=sentence_case(the_case.request.en)),
        min_cell=max(p.min_cell for p in permits),
        answered=len(later.answered),
        hosts=len({p.audience for p in permits}),
        rows=tuple(
            FrequencyRow(
                label=_cell([axis[n] for axis, n in zip(axes, numbers, strict=True)]),
                before=was,
                after=now,
                held_before=held_was,
                held_after=held_now,
            )
            for numbers, was, now, held_was, held_now in cells
        ),
    )


def _cell(parts: list[Text]) -> Text:
    return Text(zh=" · ".join(p.zh for p in parts), en=" · ".join(p.en for p in parts))


def _classes(axis: Mapping[str, Json]) -> list[Text]:
    """The classes of one axis in words: yes and no, or the intervals between its cuts."""
    kind, cuts = axis["kind"], axis.get("cuts")
    label, measure = kind_label(kind), unit(kind)
    if not cuts:
        if kind == "sex":
            return [Text(zh="女", en="female"), Text(zh="男", en="male")]
        return [
            Text(zh=f"{label.zh}：否", en=f"no {label.en}"),
            Text(zh=f"{label.zh}：是", en=label.en),
        ]
    whole = kind == "age"  # completed years

    def text(numbers: str) -> Text:
        if whole:
            return Text(zh=f"{numbers} 岁", en=f"age {numbers}")
        return Text(
            zh=f"{label.zh} {numbers} {measure.zh}".rstrip(),
            en=f"{label.en} {numbers} {measure.en}".rstrip(),
        )

    between = [f"{a}–{b - 1}" if whole else f"≥{a}, <{b}" for a, b in pairwise(cuts)]
    return [text(f"<{cuts[0]}"), *(text(b) for b in between), text(f"≥{cuts[-1]}")]
