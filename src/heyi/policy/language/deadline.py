"""The field `owes` of an `oblige` rule: who owes a duty, and by when, relative to an event.

    owes: recipient during use
    owes: handler before provision
    owes: handler at request
    owes: handler every 1 year
    owes: handler until 3 years after processing
    owes: requester within 10 workdays after settlement

`until` keeps a duty alive for that time. `within` ends it when it is done. Both periods begin with
the event. In the law of the People's Republic of China their first day is the day after it.

Source: Civil Code of the People's Republic of China, article 201.
"""

from __future__ import annotations

import re

from heyi.model.decision import Deadline, Text

PARTIES = ("handler", "provider", "recipient", "requester", "authority")
EVENTS = {
    "request": ("申请", "the request"),
    "decision": ("作出决定", "the decision"),
    "approval": ("批准", "the approval"),
    "provision": ("提供", "the provision"),
    "processing": ("处理", "processing"),
    "use": ("使用", "the use"),
    "publication": ("公开", "publication"),
    "export": ("出境", "the export"),
    "settlement": ("结算", "the settlement"),
    "withdrawal": ("撤回同意", "the withdrawal of consent"),
    "incident": ("安全事件", "the incident"),
    "discovery": ("发现", "its discovery"),
    "completion": ("目的实现或者期限届满", "the purpose is achieved or the term ends"),
    "emergency": ("紧急情况消除", "the end of the emergency"),
    "signing": ("合同生效", "the contract takes effect"),
}
UNITS = {
    "hour": ("小时", "hour"),
    "day": ("日", "day"),
    "workday": ("个工作日", "working day"),
    "month": ("个月", "month"),
    "year": ("年", "year"),
}
_FORMS = (
    re.compile(r"(?P<kind>before|during|at) (?P<event>[a-z]+)"),
    re.compile(
        r"(?P<kind>within|until) (?P<amount>[1-9][0-9]{0,3}) (?P<unit>[a-z]+?)s?"
        r" after (?P<event>[a-z]+)"
    ),
    re.compile(r"(?P<kind>every) (?P<amount>[1-9][0-9]{0,3}) (?P<unit>[a-z]+?)s?"),
)


def parse_owes(text: str) -> tuple[str, Deadline]:
    """The party that owes a duty, and its deadline.

    Raises:
        ValueError: its message is what is wrong, `; ` and a hint.
    """
    party, _, rest = " ".join(text.split()).partition(" ")
    if party not in PARTIES:
        raise ValueError(f"`{party}` cannot owe a duty; one of {', '.join(PARTIES)}")
    if not rest:
        raise ValueError(
            f"`{party}` owes it by no day; "
            f"write `{party} before provision` or `{party} every 1 year`"
        )
    match = next((m for form in _FORMS if (m := form.fullmatch(rest))), None)
    if match is None:
        raise ValueError(
            f"`{rest}` is no deadline; "
            "write `until 3 years after processing`, `before provision`, `every 1 year`"
        )
    parts = match.groupdict()
    event, unit = parts.get("event") or "", parts.get("unit") or ""
    if event and event not in EVENTS:
        raise ValueError(f"`{event}` is no event; one of {', '.join(EVENTS)}")
    if unit and unit not in UNITS:
        raise ValueError(f"`{unit}` is no unit of time; one of {', '.join(UNITS)}")
    return party, Deadline(
        kind=parts["kind"], amount=int(parts.get("amount") or 0), unit=unit, event=event
    )


def in_words(deadline: Deadline) -> Text:
    """The deadline in words, such as `within 10 working days after the settlement`."""
    event = EVENTS.get(deadline.event, ("", ""))
    unit = UNITS.get(deadline.unit, ("", ""))
    n = deadline.amount
    several = f"{n} {unit[1]}{'s' if n != 1 else ''}"
    match deadline.kind:
        case "before":
            return Text(zh=f"{event[0]}前", en=f"before {event[1]}")
        case "during":
            return Text(zh=f"{event[0]}期间", en=f"during {event[1]}")
        case "at":
            return Text(zh=f"{event[0]}时", en=f"at {event[1]}")
        case "within":
            return Text(zh=f"{event[0]}后{n}{unit[0]}内", en=f"within {several} after {event[1]}")
        case "until":
            return Text(zh=f"至{event[0]}后{n}{unit[0]}", en=f"until {several} after {event[1]}")
        case _:
            every = f"every {unit[1]}" if n == 1 else f"every {several}"
            return Text(zh=f"每{'' if n == 1 else n}{unit[0]}", en=every)
