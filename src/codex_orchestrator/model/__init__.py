"""Nouns: what the product talks about. They touch no file, clock, process or network."""
