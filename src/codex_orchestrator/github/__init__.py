"""Room: events, outputs and what is posted."""
