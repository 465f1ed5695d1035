"""Render self-contained pages: they load nothing, and the same data give the same bytes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from heyi.crypto.codec import to_json
from heyi.model.decision import Text
from heyi.report.data import ReportData

LIBRARY = "echarts.common.min.js"


def render_report(data: ReportData) -> str:
    """The report as one HTML document."""
    return render_page("report.html", data=data, charts=charts(data))


def render_page(template: str, **names: object) -> str:
    """A page with charts: the template with scripts and styles inside, filled with `names`."""
    scripts = [packaged("vendor", LIBRARY), packaged("templates", "report.js")]
    return (
        environment("templates")
        .get_template(template)
        .render(
            scripts=[Markup(s) for s in scripts],
            hashes=[pin(s) for s in scripts],
            style=Markup(packaged("templates", "report.css")),
            **names,
        )
    )


def environment(folder: str) -> Environment:
    """The templates of one folder; they escape what they print, and an unknown name is an error."""
    return Environment(
        loader=PackageLoader("heyi.report", folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def charts(data: ReportData) -> dict[str, object]:
    """The charts that the page's script draws, by the id of their element.

    Each chart repeats a table of the page.
    """
    drawn: dict[str, object] = {}
    if data.catalogue is not None:
        labels = [Text(zh=f"{n} 级", en=f"level {n}") for n in range(1, 6)]
        drawn["chart-levels"] = bars(
            labels, data.catalogue.levels, [f"{n:,}" for n in data.catalogue.levels]
        )
    if data.payback is not None:
        shares = data.payback.shares
        names = [s.name for s in shares]
        drawn["chart-shares"] = bars(
            names, [s.share_fen / 100 for s in shares], [s.share for s in shares]
        )
        if any(s.scaled < 0 for s in shares):
            drawn["chart-contributions"] = bars(
                names, [s.scaled for s in shares], [s.decimal for s in shares]
            )
    return drawn


def bars(
    labels: Sequence[Text], values: Sequence[float], prints: Sequence[str]
) -> dict[str, object]:
    """A bar chart for `report.js`; `prints` are the values as the page prints them."""
    return {"labels": to_json(labels), "values": list(values), "prints": list(prints)}


def packaged(folder: str, name: str) -> str:
    """The text of a file that is shipped with the reports."""
    return files("heyi.report").joinpath(folder, name).read_text(encoding="utf-8")


def pin(script: str) -> str:
    """The digest of an inline script, which lets a browser run this script and no other.

    Source: Content Security Policy Level 3, section 2.3.1.
    """
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
