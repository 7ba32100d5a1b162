"""What works here, and how to fix what does not: one module for each kind of question."""
