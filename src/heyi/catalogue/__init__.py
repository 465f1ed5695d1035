"""What a table holds, how sensitive it is, and what its columns mean across institutions."""
