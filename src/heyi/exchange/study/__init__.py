"""A joint study: its plan, the use of permits, and how contributions are measured."""
