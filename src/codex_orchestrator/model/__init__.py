"""Nouns: the data that the product works on, and pure decisions.

No files, clock, processes or network.
"""
