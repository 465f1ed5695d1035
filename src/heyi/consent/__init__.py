"""Subjects' consents and withdrawals, known by keyed tokens and never by name."""
