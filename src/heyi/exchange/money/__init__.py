"""What flows back: settling, disputing, paying."""
