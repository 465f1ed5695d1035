"""The documents are right: links resolve, documented commands end as documented, none is missing.

How this file reads a document:

- It executes each line of a fenced block that begins with `heyi`, in a folder with `examples/` and
  a finished small demo in `build/demo`. The command must end with code 0, or with the code in its
  comment (`# exit 3`).
- A `text` block directly after such a block shows what its last command prints. Each line must be
  in the output, in this order, up to an ellipsis at the end of the line.
- `<!-- not-run -->` before a block means that the block is not executed: `make` commands, and
  output of the full county.
- `heyi demo` always runs with 5,000 persons.
- `FOLDER` means a folder with the study's data. Without the data these commands are skipped.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from heyi.cli import main
from heyi.cli.commands import app
from tests.support.machine import ROOT, beside, needs

SMALL = "5000"
NOT_RUN = "<!-- not-run -->"
PLACE = Path("build", "demo")
FIXED = (
    *("README*.md", "CONTRIBUTING*.md", "SECURITY*.md", "CHANGELOG*.md"),
    *("docs/**/*.md", "examples/**/*.md"),
)
GUIDE = ROOT / "docs" / "guide" / "getting-started.md"
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")


def documents(root: Path) -> list[Path]:
    """The documents of a checkout: Markdown that git tracks, except the packs that tests judge.

    Without git, as in a source archive, they are the files of the fixed names and folders `FIXED`.
    A stray folder in the checkout is no document in both cases.
    """
    command = ["git", "-C", str(root), "ls-files", "-z", "--", "*.md"]
    listed: list[str] = []
    # An archive may be unpacked inside another repository: only a `.git` of this root counts.
    if (root / ".git").exists() and shutil.which("git"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        listed = [
            name for name in done.stdout.split("\0") if name and not name.startswith("tests/")
        ]
    found = [root / name for name in listed] or [p for g in FIXED for p in root.glob(g)]
    return sorted(p for p in found if p.is_file())


DOCUMENTS = documents(ROOT)
RUN = [
    p
    for p in DOCUMENTS
    if p in READMES or p.parent.name == "guide" or p.parent == ROOT / "examples" / "heart"
]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block; `line` is the line of its fence, `exempt` means marked as not run."""

    language: str
    lines: tuple[str, ...]
    line: int
    exempt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A documented command with its exit code and lines of its output."""

    text: str
    code: int
    shows: tuple[str, ...]
    line: int

    @property
    def needs_data(self) -> bool:
        return "FOLDER" in self.text or "heyi-run" in self.text


def blocks(path: Path) -> Iterator[Block]:
    lines = path.read_text(encoding="utf-8").splitlines()
    fence, language, begun, held, exempt = "", "", 0, [""], False
    for n, line in enumerate(lines, 1):
        if fence:
            if line.strip() == fence:
                yield Block(language=language, lines=tuple(held), line=begun, exempt=exempt)
                fence = ""
            else:
                held.append(line)
        elif found := re.match(r"\s*(`{3,})(\w*)", line):
            fence, language, begun, held = found[1], found[2], n, []
            before = [above for above in lines[: n - 1] if above.strip()]
            exempt = bool(before) and before[-1].strip() == NOT_RUN
    assert not fence, f"{name_of(path)}:{begun}: the block does not end"


def commands(path: Path) -> list[Command]:
    found: list[Command] = []
    fresh = False  # whether the block before this one ended with a command
    for block in blocks(path):
        if block.exempt:
            fresh = False
            continue
        if block.language == "text" and fresh:
            found[-1] = Command(
                text=found[-1].text, code=found[-1].code, shows=block.lines, line=found[-1].line
            )
        fresh = False
        for n, line in enumerate(block.lines, block.line + 1):
            if re.match(r"\s*(\$ )?heyi\b", line) is None:
                continue
            text, _, comment = line.strip().removeprefix("$ ").partition("#")
            code = re.search(r"(?:exit|退出码)\s*(\d)", comment)
            found.append(
                Command(text=text.strip(), code=int(code[1]) if code else 0, shows=(), line=n)
            )
            fresh = block.language == "sh"
    return found


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished demo of a small county, made by the command itself."""
    directory = tmp_path_factory.mktemp("docs") / "demo"
    assert run(f"heyi demo --persons {SMALL} --dir {directory}") == 0
    return directory


@pytest.fixture
def place(
    small_demo: Path, own_witness: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder of a reader who has cloned the repository and made the demo."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "src" / "heyi" / "rulebook", tmp_path / "src" / "heyi" / "rulebook")
    shutil.copytree(small_demo, tmp_path / PLACE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("HEYI_LANG", raising=False)
    return tmp_path


def run(text: str) -> int:
    """Run a command line in this process, through the entry point; returns its exit code."""
    words = shlex.split(text)
    assert words[0] == "heyi"
    if words[1:2] == ["demo"] and "--persons" in words:
        words[words.index("--persons") + 1] = SMALL
    elif words[1:2] == ["demo"]:
        words += ["--persons", SMALL]
    before, sys.argv = sys.argv, words
    try:
        main()
    except SystemExit as e:
        return int(e.code or 0)
    finally:
        sys.argv = before
    return 0


READS_ONLY = re.compile(r"heyi rules (check|test|show|prove|diff|boundaries|build --verify)\b")
"""Commands that only read, and what every place has alike: they run once for all documents."""
_SAID: dict[str, tuple[int, str, str]] = {}


def check(
    path: Path, chosen: list[Command], capsys: pytest.CaptureFixture[str], data: Path | None = None
) -> None:
    for command in chosen:
        where = f"{name_of(path)}:{command.line}: `{command.text}`"
        text = command.text.replace("FOLDER", shlex.quote(str(data)))
        capsys.readouterr()
        if text not in _SAID or not READS_ONLY.match(text):
            code, (out, err) = run(text), capsys.readouterr()
            _SAID[text] = (code, out, err)
        code, out, err = _SAID[text]
        assert code == command.code, f"{where} ended with {code}: {err}"
        printed, at = flat(out), 0
        for line in command.shows:
            wanted = flat(line.strip().removesuffix("…"))
            found = printed.find(wanted, at)
            assert found >= 0, f"{where} does not print `{wanted}` there:\n{out}"
            at = found + len(wanted)


@pytest.mark.parametrize("path", RUN, ids=name_of)
def test_documented_commands_end_as_documented(
    path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(path, [c for c in commands(path) if not c.needs_data], capsys)


@pytest.mark.parametrize(
    "path", [p for p in RUN if any(c.needs_data for c in commands(p))], ids=name_of
)
def test_documented_studies_end_as_documented(
    path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = beside("heart_disease_uci")
    check(path, [c for c in commands(path) if c.needs_data], capsys, data)


def test_what_the_documents_hold_is_executed() -> None:
    """A guard: this file must find commands, or the tests above would pass without a check."""
    named = {c.text.split()[1] for p in RUN for c in commands(p)}
    assert {"demo", "run", "decide", "rules", "verify", "erase", "statement"} <= named
    assert {c.code for p in RUN for c in commands(p)} >= {0, 2, 3}
    assert sum(bool(c.shows) for p in RUN for c in commands(p)) >= 5
    for path in READMES:
        assert commands(path)


@pytest.mark.parametrize("path", RUN, ids=name_of)
def test_no_shell_block_hides_an_unexecuted_line(path: Path) -> None:
    for block in blocks(path):
        if block.language == "sh" and not block.exempt:
            strange = [
                line for line in block.lines if line.strip() and not re.match(r"(heyi\b|#)", line)
            ]
            assert strange == [], f"{name_of(path)}:{block.line}: mark this block {NOT_RUN}"


# --- which files are documents --------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout with two documents, and a stray folder with a broken one."""
    for name in ("README.md", "docs/guide/start.md", "tests/policy/bad/x.md", "stray/broken.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[nowhere](nowhere.md)\n", encoding="utf-8")
    return tmp_path


def names(root: Path) -> list[str]:
    return [p.relative_to(root).as_posix() for p in documents(root)]


def test_a_stray_folder_is_no_document_for_git(checkout: Path) -> None:
    needs("git", shutil.which("git") is not None)
    for words in (["init", "-q"], ["add", "README.md", "docs", "tests"]):
        subprocess.run(["git", "-C", str(checkout), *words], check=True)
    assert names(checkout) == ["README.md", "docs/guide/start.md"]
    (checkout / "README.md").unlink()
    assert names(checkout) == ["docs/guide/start.md"], "a tracked file that was removed"


def test_a_stray_folder_is_no_document_without_git(checkout: Path) -> None:
    assert names(checkout) == ["README.md", "docs/guide/start.md"]


# --- links and paths ------------------------------------------------------------------------------


def prose(path: Path) -> str:
    """The text without fenced blocks and inline code, where links count."""
    text = re.sub(r"(?ms)^\s*(`{3,}).*?^\s*\1\s*$", "", path.read_text(encoding="utf-8"))
    return re.sub(r"`[^`\n]*`", "", text)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_paths_and_hosts_of_a_document(path: Path) -> None:
    """One test a document: links and named files exist; no absolute path, no package host."""
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file = path.parent / target.partition("#")[0] if not target.startswith("#") else path
        file = file.resolve()
        assert file.is_relative_to(ROOT), f"{name_of(path)} links out of the repository: {target}"
        assert file.exists(), f"{name_of(path)} links to `{target}`, which is not there"
    if "rulebook" not in path.parts:
        named = re.findall(
            r"`((?:src|docs|tests|examples|vectors|bench|oracles|locks)/[^`\s]*)`", text
        )
        for name in named:
            assert any(ROOT.glob(name.rstrip("/"))), (
                f"{name_of(path)} names `{name}`, which is not there"
            )
    hosts = re.findall(
        r"(?i)\b(?:pypi\.org|pythonhosted|npmjs|anaconda\.org|conda-forge|index-url)\b", text
    )
    assert hosts == []
    absolute = re.findall(
        r"(?<![\w./:>)`])/[a-z]+/[\w./-]+|(?<=`)/[a-z]+/[\w./-]+|[A-Z]:\\\w+|~/\w+", text
    )
    assert absolute == []


def test_documents_that_the_code_names_exist() -> None:
    named = [
        (file, name)
        for file in sorted((ROOT / "src").rglob("*.py"))
        for name in re.findall(r"\bdocs/[\w/-]+(?:\.md)?", file.read_text(encoding="utf-8"))
    ]
    assert named
    for file, name in named:
        assert any(ROOT.glob(f"{name.removesuffix('.md')}*")), (
            f"{name_of(file)} names `{name}`, which is not there"
        )


# --- completeness ---------------------------------------------------------------------------------


def described(command: Any, path: str = "heyi") -> Iterator[tuple[str, list[str]]]:
    """Every command of the application with its options."""
    options = [
        o
        for p in command.params
        if p.param_type_name == "option"
        for o in (*p.opts, *p.secondary_opts)
    ]
    yield path, [o for o in options if o != "--help"]
    # commands are imported when they are asked for, so a group must be asked for each by name
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from described(command.get_command(None, name), f"{path} {name}")


COMMANDS = dict(described(typer.main.get_command(app)))


def sections(path: Path) -> dict[str, str]:
    """Text by heading of level two."""
    parts = re.split(r"(?m)^## (.*)$", path.read_text(encoding="utf-8"))
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_in_its_section_of_the_guide(command: str) -> None:
    words = command.split()
    chosen = [
        text
        for title, text in sections(GUIDE).items()
        if title.startswith(f"`{' '.join(words[:2])}`")
    ]
    text = "\n".join(chosen) if len(words) > 1 else GUIDE.read_text(encoding="utf-8")
    assert len(chosen) == 1 or len(words) == 1, (
        f"the guide has no section of its own for `{command}`"
    )
    assert command in text
    for option in COMMANDS[command]:
        assert re.search(rf"{re.escape(option)}(?![\w-])", text), (
            f"`{command} {option}` is not in the guide"
        )


def test_the_guide_names_no_command_or_option_that_is_not_there() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    known = {o for options in COMMANDS.values() for o in options} | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", text)) <= known
    tops = {c.split()[1] for c in COMMANDS if " " in c}
    assert set(re.findall(r"`heyi ([a-z]+)", text)) <= tops


def test_both_readmes_name_the_same_commands() -> None:
    def named(path: Path) -> set[str]:
        text = path.read_text(encoding="utf-8")
        code = [
            *re.findall(r"`([^`\n]+)`", text),
            *(line.strip() for b in blocks(path) for line in b.lines),
        ]
        return {
            found[0] for c in code if (found := re.match(r"(?:heyi(?: rules)?|make) [a-z]+", c))
        }

    english, chinese = (named(path) for path in READMES)
    assert english == chinese
    assert {"make demo", "make test"} <= english


@pytest.mark.parametrize("path", READMES, ids=name_of)
def test_every_folder_of_the_house_is_in_the_readme(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # Python files make a room; a folder left over from a move has only caches.
    rooms = {p.parent.name for p in (ROOT / "src" / "heyi").glob("*/*.py")} | {"rulebook"}
    assert [r for r in sorted(rooms) if not re.search(rf"\b{r}/", text)] == []


def test_every_direct_dependency_has_its_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "docs" / "adr" / "0009-dependencies.md").read_text(encoding="utf-8")
    names = [re.split(r"[<>=]", d)[0] for d in project["dependencies"]]
    assert [n for n in names if f"| {n} |" not in text] == []


def test_decisions_are_numbered_without_gaps_and_of_one_form() -> None:
    files = [p for p in DOCUMENTS if p.parent.name == "adr"]
    assert [f.name[:4] for f in files] == [f"{n:04d}" for n in range(1, len(files) + 1)]
    wanted = ["Problem", "Drivers", "Options", "Choice", "Cost", "Code that still breaks this"]
    for file in files:
        titles = list(sections(file))[1:]
        assert titles == wanted, f"{file.name} has the headings {titles}"
