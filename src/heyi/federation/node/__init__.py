"""The institution's own enforcement point beside its data."""
