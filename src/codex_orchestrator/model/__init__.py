"""Floor 1, nouns: what the product talks about. No I/O, no clock, no network."""
