"""Room: secrets that live in memory."""
