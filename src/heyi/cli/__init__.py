"""The commands: one file per group, each a thin reading of its arguments over the composition root."""

from heyi.cli.main import main

__all__ = ["main"]
