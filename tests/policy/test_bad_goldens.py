"""The message for the author of a bad rulebook, byte for byte, with the excerpt and its caret.

`bad/TOPIC/NAME.md` is one pack, judged with `bad/facts.toml`. `bad/TOPIC/NAME/` is a folder of
rulebook files, with the same schema unless it has one. `NAME.txt` beside it is the message;
`HEYI_UPDATE_GOLDENS=1` writes all messages. `bad/never/` holds rules that are well formed but can
never apply: `heyi rules check` finds them, the compiler does not.
"""

from __future__ import annotations

import os
import re
import tracemalloc
import unicodedata
from pathlib import Path

import pytest

from heyi.model.errors import InvalidInput
from heyi.policy.cases import load_rulebook
from heyi.policy.decide import DecisionPoint
from heyi.sources.rulebook import read_rulebook
from tests.support.operations import operations

HERE = Path(__file__).parent
UPDATE = os.environ.get("HEYI_UPDATE_GOLDENS") == "1"
SCHEMA = "facts.toml"


def _inputs(*topics: str) -> list[str]:
    """Packs and folders of rulebooks below `bad/`, relative to it; those of `topics` if given."""
    found = [p for p in (HERE / "bad").glob("*/*") if p.suffix != ".txt"]
    return sorted(
        p.relative_to(HERE / "bad").as_posix()
        for p in found
        if not topics or p.parent.name in topics
    )


NEVER = _inputs("never")
BAD = [name for name in _inputs() if name not in NEVER]
# the test writes packs in these encodings: a Markdown file in the repository is UTF-8
ENCODINGS = ("gb18030", "utf-16")
GOOD = sorted(p.name for p in (HERE / "good").iterdir())


def _load(path: Path) -> DecisionPoint:
    """The rulebook at `path`; a single pack is read as bytes, so that the compiler sees it all."""
    texts = read_rulebook(path) if path.is_dir() else {path.name: path.read_bytes().decode()}
    if path.parent.name != "facts":
        texts.setdefault(SCHEMA, (HERE / "bad" / SCHEMA).read_text(encoding="utf-8"))
    return load_rulebook(texts)


@pytest.mark.parametrize("name", BAD)
def test_the_author_of_a_bad_rulebook_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "bad")  # a message that names a folder names it as it was asked for
    with pytest.raises(InvalidInput) as caught:
        _load(Path(name))
    _compare(caught.value, Path(name).with_suffix(".txt"))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_author_of_an_unreadable_pack_is_told(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rulebook" / "cn"
    folder.mkdir(parents=True)
    (folder / "pipl.md").write_bytes(
        (HERE / "good" / "articles-without-rules.md").read_text("utf-8").encode(encoding)
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        read_rulebook(Path("rulebook"))
    _compare(caught.value, HERE / "bad" / "unreadable" / f"{encoding}.txt")


def _compare(error: InvalidInput, golden: Path) -> None:
    message = f"{error}\n".encode()
    if UPDATE:
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(message)
    assert golden.is_file(), f"there is no {golden.name}; HEYI_UPDATE_GOLDENS=1 writes it"
    assert message.decode() == golden.read_bytes().decode()


def test_no_message_is_left_of_a_rulebook_that_is_gone() -> None:
    expected = {
        Path(name).with_suffix(".txt")
        for name in [*BAD, *NEVER, *(f"unreadable/{e}.md" for e in ENCODINGS)]
    }
    surplus = {p.relative_to(HERE / "bad") for p in (HERE / "bad").rglob("*.txt")} - expected
    if UPDATE:
        for path in surplus:
            (HERE / "bad" / path).unlink()
        return
    assert not surplus
    assert len(BAD) > 150


@pytest.mark.parametrize("name", BAD)
def test_the_message_points_at_a_place_that_there_is(name: str) -> None:
    """The line is in the file, the excerpt is that line, and the caret is below the column."""
    golden = (HERE / "bad" / name).with_suffix(".txt").read_bytes().decode().removesuffix("\n")
    place = re.match(r"(?P<file>[^:\n]+):(?P<line>[0-9]+):(?P<column>[0-9]+): ", golden)
    assert place
    folder = HERE / "bad" / name
    file = folder / place["file"] if folder.is_dir() else folder
    if not file.exists():
        assert name == "facts/no-schema" or place["file"] == SCHEMA
        return
    lines = file.read_bytes().decode().replace("\r\n", "\n").split("\n")
    line, column = int(place["line"]), int(place["column"])
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1
    if "\n  " not in golden:
        return
    excerpt, caret = golden.split("\n", 1)[1].split("\n")
    shown = "".join(
        "�" if unicodedata.category(c) in ("Cc", "Cf", "Zl") and c != "\t" else c
        for c in lines[line - 1]
    )
    assert excerpt == f"  {shown}"
    assert caret[-1] == "^"
    assert _columns(caret[:-1]) == _columns(excerpt[: column + 1])


def _columns(text: str) -> int:
    """Columns of a terminal; a tab leads to the next multiple of eight."""
    at = 0
    for c in text:
        at = (
            (at // 8 + 1) * 8
            if c == "\t"
            else at + (2 if unicodedata.east_asian_width(c) in "WF" else 1)
        )
    return at


@pytest.mark.parametrize("name", NEVER)
def test_a_rule_that_can_never_apply_is_well_formed(name: str) -> None:
    assert _load(HERE / "bad" / name).book.rules


@pytest.mark.parametrize("name", NEVER)
def test_a_rule_that_can_never_apply_or_be_met_is_found(name: str) -> None:
    pytest.importorskip("z3", reason="proofs need the extra `rules`")
    from heyi.policy.proofs.analyse import findings, told

    book = _load(HERE / "bad" / name).book
    found = {f.kind.value: f for f in findings(book)}
    finding = found["never-permitted" if name == "never/needs.md" else "dead"]
    assert (finding.subject, finding.file) == ("PIPL-31.1", Path(name).name)
    _compare(told(book, finding), (HERE / "bad" / name).with_suffix(".txt"))


@pytest.mark.parametrize("name", GOOD)
def test_what_looks_bad_and_is_not(name: str) -> None:
    assert _load(HERE / "good" / name).book.articles


def test_windows_line_ends_mean_what_others_mean() -> None:
    texts = {SCHEMA: (HERE / "bad" / SCHEMA).read_text(encoding="utf-8")}
    crlf = (HERE / "good" / "crlf.md").read_bytes().decode()
    assert crlf.count("\r\n") == crlf.count("\n") > 10
    rules = [
        load_rulebook({**texts, "x.md": t}).book.rules for t in (crlf, crlf.replace("\r\n", "\n"))
    ]
    assert rules[0] == rules[1]
    assert read_rulebook(HERE / "good")["crlf.md"] == crlf.replace("\r\n", "\n"), (
        "and the digest is the same"
    )


SCHEMA_TEXT = (HERE / "bad" / SCHEMA).read_text(encoding="utf-8")
PACK = (HERE / "good" / "ideographic-space.md").read_text(encoding="utf-8")
FACT = '\n[fact."{}"]\ntype = "bool"\nzh = "某"\nen = "some"\nderived = "{}"\n'


def _when(condition: str) -> str:
    return re.sub("when: .*", lambda _: f"when:   {condition}", PACK)


def _case(given: str) -> str:
    return f"{PACK}\n```case large\ngiven:  {given}\nexpect: {{outcome: deny}}\n```\n"


HOSTILE = {
    "ten megabytes of parentheses": ({"x.md": _when("(" * 10_000_000)}, "at most 1000000 are read"),
    "parentheses as long as a condition may be": (
        {"x.md": _when("(" * 99_000)},
        "nested too deeply",
    ),
    "parentheses over many lines": ({"x.md": _when("(\n " * 300_000)}, "at most 100000 characters"),
    "a long value": ({"x.md": _when(f'act.action == "{"x" * 90_000}"')}, "is not a value of"),
    "a heading of spaces": (
        {"x.md": PACK + "\n## " + " " * 100_000 + "\n"},
        "a heading needs an id",
    ),
    "lists in lists": ({"x.md": _case("[" * 5_000)}, "nested too deeply"),
    "aliases of aliases": (
        {"x.md": _case("[&a [x], &b [*a, *a, *a], &c [*b, *b, *b], &d [*c, *c, *c]]")},
        "anchors and aliases are not read",
    ),
    "facts that double": (
        {
            SCHEMA: SCHEMA_TEXT
            + "".join(FACT.format(f"d{n}", f"d{n - 1} || d{n - 1}") for n in range(40, 0, -1))
            + FACT.format("d0", "data.personal")
        },
        "too large",
    ),
    "facts in a long row": (
        {
            SCHEMA: SCHEMA_TEXT
            + "".join(FACT.format(f"d{n}", f"d{n - 1}") for n in range(900, 0, -1))
            + FACT.format("d0", "data.personal")
        },
        "nested too deeply",
    ),
    "profiles in a long row": (
        {
            "profiles.yaml": "".join(f"p{n}: {{like: p{n + 1}}}\n" for n in range(900))
            + "p900: {}\n"
        },
        "nested too deeply",
    ),
    "a number of many digits": (
        {SCHEMA: SCHEMA_TEXT + "n = " + "9" * 5_000},
        "a number is too long",
    ),
    "arrays in arrays": (
        {SCHEMA: SCHEMA_TEXT + "n = " + "[" * 5_000},
        "arrays are nested too deeply",
    ),
}


@pytest.mark.parametrize(("texts", "says"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_large_is_refused_in_few_steps_and_few_words(
    texts: dict[str, str], says: str
) -> None:
    told = []

    def load() -> None:
        with pytest.raises(InvalidInput, match=says) as caught:
            load_rulebook({SCHEMA: SCHEMA_TEXT, **texts})
        told.append(str(caught.value))

    tracemalloc.start()
    steps = operations(load)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert steps < 5_000_000, "ten for each character that is read, or fewer"
    assert peak < 60_000_000, "bytes"
    assert len(told[0]) < 2_000, "an error can be read"


def test_profiles_that_double_are_read_once() -> None:
    doubling = (
        "".join(f"p{n}: {{like: [p{n + 1}, p{n + 1}]}}\n" for n in range(50))
        + "p50: {consent.given: true}\n"
    )
    assert load_rulebook({SCHEMA: SCHEMA_TEXT, "x.md": PACK, "profiles.yaml": doubling}).book.rules


def test_a_byte_order_mark_is_left_out_where_a_file_is_read(tmp_path: Path) -> None:
    for name, text in ((SCHEMA, SCHEMA_TEXT), ("x.md", PACK)):
        (tmp_path / name).write_bytes(text.encode("utf-8-sig"))
    assert read_rulebook(tmp_path) == {SCHEMA: SCHEMA_TEXT, "x.md": PACK}
