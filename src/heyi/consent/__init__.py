"""Withdrawals of consent; a subject is known by a keyed token, never by name."""
