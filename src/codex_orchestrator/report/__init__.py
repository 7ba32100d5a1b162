"""Room: text and pages for people."""
