"""Text: pure functions on strings and bytes; standard library only."""
