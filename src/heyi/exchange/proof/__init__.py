"""Checks of a whole log: replay, another rulebook's answers, and the erasure of bodies."""
