"""Wiring: reads the effective configuration and builds the objects of the rooms from it."""
