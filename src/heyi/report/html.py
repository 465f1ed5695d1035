"""Rendering: one page that loads nothing, whose scripts are pinned by digest, the same bytes for the same data."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from heyi.model.decision import Text
from heyi.report.data import ReportData

LIBRARY = "echarts.common.min.js"


def render_report(data: ReportData) -> str:
    """The report as one HTML document."""
    return page("report.html", data=data, charts=charts(data))


def page(template: str, **names: object) -> str:
    """A template with its scripts and styles inside; `names` are what it says."""
    environment = Environment(
        loader=PackageLoader("heyi.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    scripts = [packaged("vendor", LIBRARY), packaged("templates", "report.js")]
    return environment.get_template(template).render(
        scripts=[Markup(s) for s in scripts],
        hashes=[pin(s) for s in scripts],
        style=Markup(packaged("templates", "report.css")),
        **names,
    )


def charts(data: ReportData) -> dict[str, object]:
    """What the page's script draws, by the id of the place; each chart repeats a table of the page."""
    drawn: dict[str, object] = {}
    if data.catalogue is not None:
        labels = [Text(zh=f"{n} 级", en=f"level {n}") for n in range(1, 6)]
        drawn["chart-levels"] = _bars(
            labels, data.catalogue.levels, [f"{n:,}" for n in data.catalogue.levels]
        )
    if data.payback is not None:
        shares = data.payback.shares
        names = [s.name for s in shares]
        drawn["chart-shares"] = _bars(
            names, [s.share_fen / 100 for s in shares], [s.share for s in shares]
        )
        if any(s.scaled < 0 for s in shares):
            drawn["chart-contributions"] = _bars(
                names, [s.scaled for s in shares], [s.decimal for s in shares]
            )
    return drawn


def _bars(
    labels: Sequence[Text], values: Sequence[float], prints: Sequence[str]
) -> dict[str, object]:
    return {"labels": [t.to_json() for t in labels], "values": list(values), "prints": list(prints)}


def packaged(folder: str, name: str) -> str:
    """A text that is shipped with the reports."""
    return files("heyi.report").joinpath(folder, name).read_text(encoding="utf-8")


def pin(script: str) -> str:
    """The digest by which a browser recognises an inline script (Content Security Policy Level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
