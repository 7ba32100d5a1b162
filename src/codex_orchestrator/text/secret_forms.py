"""The forms in which a secret may stand in a text, and the search for them.

A text is searched in two steps. First all but letters and digits is left out of it, and capitals
become small: what is broken over lines, spaced or indented then stands in one piece. That is
fast, and tells where a form may be. There the form itself is looked for.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import compress, pairwise
from typing import NamedTuple

from codex_orchestrator.text.escapes import decode_all

# Escaped text within escaped text is decoded this often.
DEPTH = 4
MIN_LENGTH = 6

_SMALL = bytes(range(256)).lower()
_DROPPED = bytes(code for code in range(128) if not chr(code).isalnum())
_IS_KEPT = bytes(code not in _DROPPED for code in range(256))
# What may stand between two characters of a value: on one line, where the value is too long to come
# about by chance; and where it is broken over lines, as by indents, marks of diffs or comments, and
# quotes. It has no letter, no digit, and not the sign that comes behind, so that nothing can be
# read in two ways: hostile text would make the search take forever.
_ON_LINE = rb"[^0-9A-Za-z\r\n\x80-\xff%b]{0,8}+"
_OVER_LINES = rb"(?:[^0-9A-Za-z\r\n\x80-\xff%b]{0,200}+[\r\n][^0-9A-Za-z\x80-\xff%b]{0,400}+)?+"
# Of the signs of a break the first may have been taken for one of the value: then all of the rest.
_BEHIND_SIGN = rb"[^0-9A-Za-z\x80-\xff%b]{0,600}+"
_NO_CHANCE = 12
_BASE64_CHARACTER = rb"[A-Za-z0-9+/_\-]?"
_BASE32_CHARACTER = rb"[A-Za-z2-7]?"
# Long keys are recognised by eight bytes at once, for each stands somewhere at a multiple of eight.
_WORD = 8
_LONG = 2 * _WORD - 1
_MIN_KEY = 4


def squeezed(data: bytes) -> bytes:
    """Return data without all that is no letter and no digit, in small letters."""
    return data.translate(_SMALL, _DROPPED)


class Form:
    """One form of a secret.

    Args:
        name: what the secret is called.
        characters: what must be there, in order.
        unit: makes of a character the pattern of what may stand for it.
        is_spaced: signs may stand between its characters, however short it is.
        edges: what is masked with it, before and behind.
    """

    def __init__(
        self,
        name: str,
        characters: bytes,
        unit: Callable[[bytes], bytes],
        *,
        is_spaced: bool = False,
        edges: tuple[bytes, bytes] = (b"", b""),
    ) -> None:
        self.name = name
        self.key = squeezed(characters)
        self._characters = characters
        self._unit = unit
        self._is_spaced = is_spaced or len(self.key) >= _NO_CHANCE
        self._edges = edges

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """The pattern of the form."""
        characters = [bytes((code,)) for code in self._characters]
        parts = [self._edges[0], self._unit(characters[0])]
        for before, character in pairwise(characters):
            sign = re.escape(_ALIKE[self._unit].get(character, character))
            if before.isascii() and not before.isalnum():
                parts.append(_BEHIND_SIGN % sign)
            else:
                parts.append(_ON_LINE % sign if self._is_spaced else b"")
                parts.append(_OVER_LINES % (sign, sign))
            parts.append(self._unit(character))
        return re.compile(b"".join((*parts, self._edges[1])))

    @cached_property
    def unbroken(self) -> re.Pattern[bytes]:
        """The pattern of the form in one piece."""
        return re.compile(b"".join(self._unit(bytes((code,))) for code in self._characters))

    def find(self, data: bytes, first: int, last: int) -> tuple[int, int] | None:
        """Return where the form stands between two places of some data."""
        at = -1 if any(self._edges) else data.find(self._characters, first, last)
        if at >= 0:
            return at, at + len(self._characters)
        match = self.pattern.search(data, first, last)
        return match.span() if match else None


def forms_of(secret: bytes, name: str) -> Iterator[Form]:
    """Return every form of a secret, which has at least MIN_LENGTH bytes."""
    # Where text is decoded, a secret that looks escaped is decoded with it.
    for text in {secret, secret[::-1], decode_all(secret, times=DEPTH)}:
        if len(text) >= MIN_LENGTH:
            yield Form(name, text, _itself)
    yield Form(name, secret.hex().encode(), _any_case)
    for shift in range(3):
        text, edges = _inner(base64.b64encode, secret, shift, bits=6)
        yield Form(name, text, _either_alphabet, edges=_shown(edges, _BASE64_CHARACTER))
    for shift in range(5):
        text, edges = _inner(base64.b32encode, secret, shift, bits=5)
        shown = _shown(edges, _BASE32_CHARACTER)
        yield Form(name, text, _any_case, is_spaced=True, edges=shown)


def _inner(
    encode: Callable[[bytes], bytes], secret: bytes, shift: int, *, bits: int
) -> tuple[bytes, tuple[bool, bool]]:
    """Return what is always the same of an encoded text that holds a secret.

    It begins `shift` bytes behind the start of a group. Also returned: whether the characters
    before and behind hold bits of the secret beside those of its neighbours.
    """
    first, last = shift * 8, (shift + len(secret)) * 8
    encoded = encode(b"\0" * shift + secret)
    return encoded[-(-first // bits) : last // bits], (bool(first % bits), bool(last % bits))


def _shown(edges: tuple[bool, bool], character: bytes) -> tuple[bytes, bytes]:
    return character * edges[0], character * edges[1]


def _itself(character: bytes) -> bytes:
    return rb"[ +]" if character == b" " else re.escape(character)


def _any_case(character: bytes) -> bytes:
    return b"[%b%b]" % (character.lower(), character.upper())


def _either_alphabet(character: bytes) -> bytes:
    return {b"+": rb"[+\-]", b"/": rb"[/_]"}.get(character, character)


# What a unit takes for a sign.
_ALIKE: Mapping[Callable[[bytes], bytes], Mapping[bytes, bytes]] = {
    _itself: {b" ": b" +"},
    _any_case: {},
    _either_alphabet: {b"+": b"+-", b"/": b"/_"},
}


class _Keys(NamedTuple):
    """The forms by the length of their keys, and all words of eight bytes in the long ones."""

    long: list[Form]
    short: list[Form]
    # Almost nothing of it is letters and digits. It is found in one piece only: signs are also what
    # stands between the pieces of a broken value.
    signs: list[Form]
    words: frozenset[int]


class FormSearch:
    """Finds every form of some secrets in a text."""

    def __init__(self, forms: Iterable[Form]) -> None:
        keys = _Keys([], [], [], frozenset())
        words: set[bytes] = set()
        for form in forms:
            if len(form.key) >= _LONG:
                keys.long.append(form)
                ends = range(_WORD, len(form.key) + 1)
                words |= {form.key[end - _WORD : end] for end in ends}
            else:
                (keys.short if len(form.key) >= _MIN_KEY else keys.signs).append(form)
        numbers = frozenset(memoryview(word).cast("Q")[0] for word in words)
        self._keys = keys._replace(words=numbers)

    def find(self, data: bytes) -> list[tuple[str, int, int]]:
        """Return the name of each secret with where it stands, in any order, overlaps too."""
        keys = self._keys
        found = [
            (form.name, *match.span())
            for form in keys.signs
            for match in form.unbroken.finditer(data)
        ]
        text = squeezed(data)
        likely = [form for form in keys.short if form.key in text]
        whole = memoryview(text)[: len(text) // _WORD * _WORD].cast("Q")
        if not keys.words.isdisjoint(whole):
            likely += [form for form in keys.long if form.key in text]
        if likely:
            places = list(compress(range(len(data)), data.translate(_IS_KEPT)))
            for form in likely:
                found += _exact(form, data, text, places)
        return found


def _exact(
    form: Form, data: bytes, text: bytes, places: list[int]
) -> Iterator[tuple[str, int, int]]:
    """Return where a form stands, of the places where its key is in the squeezed text."""
    at = text.find(form.key)
    while at >= 0:
        end = at + len(form.key)
        # One more letter on both sides, for edges.
        first = places[at - 1] if at else 0
        last = places[end] + 1 if end < len(places) else len(data)
        span = form.find(data, first, last)
        if span:
            yield form.name, *span
        at = text.find(form.key, at + 1)
