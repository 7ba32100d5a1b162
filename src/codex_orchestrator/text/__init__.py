"""The ground: pure functions on strings and bytes, on the standard library only."""
