"""A small stock ledger: movements in, what is on hand and what to order out."""
