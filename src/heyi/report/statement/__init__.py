"""The statement of one institution as a page, and payments as a table."""
