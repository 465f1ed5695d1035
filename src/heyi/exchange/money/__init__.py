"""Value that flows back: settle, dispute, approve, pay."""
