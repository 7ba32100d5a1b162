"""Hand tasks to coding agents under your review rules, and keep proof of what happened."""

__version__ = "0.1.0"
