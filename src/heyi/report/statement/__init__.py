"""The statement of one institution: as a page, and as a table of payments."""
