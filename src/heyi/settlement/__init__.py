"""What each institution contributed, in exact arithmetic, and what it is paid, to the fen."""
