"""Heyi as a library: what its docstring shows is what happens."""

from __future__ import annotations

import doctest

import heyi
from tests.support.story import Story


def test_the_examples_of_the_package(story: Story) -> None:
    finder = doctest.DocTestFinder(recurse=False)
    (examples,) = finder.find(heyi, "heyi", extraglobs={"folder": story.directory})
    result = doctest.DocTestRunner().run(examples)
    assert result.attempted >= 12 and result.failed == 0
