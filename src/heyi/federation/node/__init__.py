"""The node: the institution's own enforcement point beside its data."""
