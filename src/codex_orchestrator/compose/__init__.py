"""Wiring: the only place that reads the configuration in force and makes rooms from it."""
