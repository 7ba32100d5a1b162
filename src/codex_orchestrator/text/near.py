"""The known words that are most similar to one that nobody knows."""

from collections.abc import Iterable
from itertools import islice

# The comparison takes time.
_MAX_WORDS = 2000
_MAX_LENGTH = 100


def nearest(word: str, known: Iterable[str], *, count: int = 3, cutoff: float = 0.6) -> list[str]:
    """Return the known words that are most similar to one that is not known, best first.

    Args:
        word: what somebody wrote; only its beginning is compared.
        known: what could be meant; of more than 2,000 words the first ones are compared.
        count: how many are returned at most.
        cutoff: how similar a word must be, from 0 for not at all to 1 for equal.
    """
    import difflib

    words = [name for name in islice(known, _MAX_WORDS) if len(name) <= _MAX_LENGTH]
    return difflib.get_close_matches(word[:_MAX_LENGTH], words, n=count, cutoff=cutoff)


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the end of a message about an unknown word: the most similar known words, or ""."""
    near = [f"`{name}`" for name in nearest(word, known, cutoff=cutoff)]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def nearest_key(key: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown key: the nearest known one, however far."""
    near = nearest(key, known, count=1, cutoff=0)
    return f"; did you mean `{near[0]}`?" if near else ""
