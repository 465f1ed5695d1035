"""`heyi doctor`: which engines decide here, with which versions, on which platform."""

from __future__ import annotations

import datetime as dt
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from heyi import __version__
from heyi.cli.output import FAILED, Json, out, print_json

PARTS = {
    "pyrevm": "合约字节码引擎 runs contract bytecode",
    "vyper": "编译合约 compiles contracts: heyi[rules]",
    "z3-solver": "证明 proves: heyi[rules]",
    "pyarrow": "批量判定 batches as Parquet: heyi[parquet]",
    "numpy": "数值 numbers",
    "sqlalchemy": "日志存储 stores the log",
    "cryptography": "签名 signatures",
}


def doctor(json: Json = False) -> None:
    """Name engines, versions, platform and rulebook; decide a request to see that engines agree."""
    import typer

    from heyi.app.rulebooks import shipped_point
    from heyi.policy.engines.bytecode import is_available
    from heyi.policy.language.schema import LEGAL_DAY
    from heyi.sources.rulebook_shelf import cache_folder

    point = shipped_point()
    _, alarm = point.judge({LEGAL_DAY: dt.date.today().toordinal()})
    versions = {name: _version(name) for name in PARTS}
    cache = cache_folder()
    if json:
        print_json(
            {
                "heyi": __version__,
                "python": platform.python_version(),
                "platform": f"{platform.system()} {platform.machine()}",
                "readings": list(point.readings),
                "agree": alarm is None,
                "rules": len(point.book.rules),
                "rulebook": point.book.digest,
                "parts": versions,
                "terminal": sys.stdout.encoding,
                "cache": None if cache is None else str(cache),
            }
        )
    else:
        say = out().print
        say(f"heyi {__version__}, Python {platform.python_version()}")
        say(f"{platform.system()} {platform.machine()}, 终端编码 terminal {sys.stdout.encoding}")
        say(f"判定引擎 decides by: {' + '.join(point.readings)}，{_told(alarm)}")
        if not is_available():
            say("  此平台没有 pyrevm：由解释器代替合约字节码")
            say("  no pyrevm on this platform: the interpreter takes the place of the bytecode")
        elif "bytecode" not in point.readings:
            say("  编译结果不属于这些规则文本：heyi rules build")
            say("  the build is not that of these packs: heyi rules build")
        say(f"规则库 rulebook: {len(point.book.rules)} 条规则 rules, {point.book.digest[:19]}…")
        say(f"缓存 cache: {cache or '无 none: rulebooks are compiled at each start'}")
        for name, what in PARTS.items():
            found = versions[name]
            say(f"  {'✓' if found else '·'} {name} {found or '未安装 not installed'}  {what}")
    if alarm is not None:
        raise typer.Exit(FAILED)


def _told(alarm: str | None) -> str:
    return "两者一致 which agree" if alarm is None else f"两者不一致 which DIFFER: {alarm}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
