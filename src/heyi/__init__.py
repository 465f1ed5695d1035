"""Heyi 合医: institutions share the use of health data, not the data."""

__version__ = "0.1.0"
