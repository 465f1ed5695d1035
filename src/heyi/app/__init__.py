"""The composition root: it puts keys, clock, stores and nodes together, and holds no logic."""
