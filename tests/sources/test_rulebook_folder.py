"""A rulebook folder is read completely; unexpected files are refused, foreign files are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from heyi.model.errors import InvalidInput, RuleError
from heyi.policy.language.check import compile_rulebook
from heyi.sources.rulebook import BUILT, read_build, read_rulebook, shipped_folder, write_build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "facts.toml").write_text(read_rulebook()["facts.toml"], encoding="utf-8")
    (tmp_path / "pipl.md").write_text(
        (shipped_folder() / "cn" / "pipl.md").read_text("utf-8"), encoding="utf-8"
    )
    return tmp_path


@pytest.mark.parametrize("name", ["ndsr.MD", "ndsr.markdown", "profiles.yml", "facts.TOML"])
def test_a_file_that_looks_like_a_part_is_not_passed_over(folder: Path, name: str) -> None:
    (folder / name).write_text("---\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="would not be read"):
        read_rulebook(folder)


def test_a_lone_carriage_return_hides_nothing(folder: Path) -> None:
    pack = (
        (folder / "pipl.md")
        .read_bytes()
        .replace(b"\nparty:", b"\rexcept: [PIPL-13] true\nparty:", 1)
    )
    (folder / "pipl.md").write_bytes(pack)
    with pytest.raises(RuleError, match=r"U\+000D"):
        compile_rulebook(read_rulebook(folder))


def test_line_ends_of_windows_give_the_same_texts(folder: Path) -> None:
    unix = read_rulebook(folder)
    (folder / "pipl.md").write_bytes((folder / "pipl.md").read_bytes().replace(b"\n", b"\r\n"))
    assert read_rulebook(folder) == unix


def test_a_build_leaves_the_files_of_others_alone(folder: Path) -> None:
    (folder / BUILT).mkdir()
    (folder / BUILT / "thesis.docx").write_bytes(b"mine")
    files = read_build()
    write_build(folder, files)
    assert read_build(folder) == files
    assert (folder / BUILT / "thesis.docx").read_bytes() == b"mine"
