"""Permits: issued under three signatures, verified offline, revoked."""
