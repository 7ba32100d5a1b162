"""Hashes of files, read in pieces."""

import hashlib
import os

_CHUNK = 1024 * 1024


def hash_file(descriptor: int) -> tuple[str, int]:
    """Return the SHA-256 of an open file, from its beginning, and its size in bytes."""
    digest = hashlib.sha256()
    size = 0
    while chunk := os.pread(descriptor, _CHUNK, size):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size
