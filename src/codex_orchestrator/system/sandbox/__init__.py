"""Contain a child process: what it may read, write, reach, use and see, enforced by the kernel."""
