"""Room: what a person reads."""
