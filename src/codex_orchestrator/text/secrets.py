"""A redactor that masks secrets in every form, and says by name what it finds."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from codex_orchestrator.text.escapes import decode, decode_with_places, without_numbers
from codex_orchestrator.text.secret_forms import DEPTH, FormSearch, forms_of
from codex_orchestrator.text.secret_names import is_secret_name
from codex_orchestrator.text.secret_values import (
    MIN_LENGTH,
    EnvironmentSecrets,
    find_secrets,
    is_word,
)
from codex_orchestrator.text.token_shapes import find_tokens

__all__ = [
    "MASK",
    "Hit",
    "Json",
    "Redactor",
    "environment_redactor",
    "is_secret_name",
    "redactor_of",
    "secrets_in",
]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MASK = "***"
_MASK = MASK.encode()
# Long data is searched in pieces. So much behind each piece is searched with it, because a form may
# lie across the cut; escaped or spaced it is several times as long as the value.
_PIECE = 256 * 1024
_OVERLAP = 16 * 1024
_LONGEST_FORM = 12


class Hit(NamedTuple):
    """Something secret in a text: a variable or a kind of token, and from where to where."""

    name: str
    start: int
    end: int


def _looks_random(word: str) -> bool:
    kinds = (str.islower, str.isupper, str.isdecimal)
    return len(word) >= 12 and all(any(map(kind, word)) for kind in kinds)


class Redactor:
    """Masks secrets in texts: known values in every form, and tokens of well-known shapes."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._names: dict[bytes, str] = {}
        self._tokens_left: set[bytes] = set()
        self._search: FormSearch | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str, *, name: str = "a credential") -> None:
        """Add a secret; `name` is what a finding calls it.

        Of several lines each line of one word is a secret too, and in others each word that looks
        random: a whole file may be the secret, and `apiVersion: v1` in it is none. What is shorter
        than 6 bytes is ignored, because it would mask ordinary words.
        """
        parts: list[str] = []
        # The first and last line of a PEM key also occur in texts that contain no key.
        for line in secret.splitlines():
            words = line.split()
            if len(words) > 1:
                bare = (word.strip("\"',;") for word in words)
                parts += filter(_looks_random, bare)
            elif words and not line.startswith("-----") and not is_word(words[0]):
                parts += words
        for text in (secret, *parts):
            value = text.encode("utf-8", "surrogatepass")
            if len(value) >= MIN_LENGTH:
                self._names.setdefault(value, name)
        self._search = None

    def leave(self, texts: Collection[str]) -> None:
        """Do not mask these values, for their shape neither: they stand in the repository."""
        self.leave_tokens(texts)
        for text in texts:
            self._names.pop(text.encode("utf-8", "surrogatepass"), None)
        self._search = None

    def leave_tokens(self, texts: Iterable[str]) -> None:
        """Do not mask these texts for their shape alone: they stand in the repository anyway."""
        self._tokens_left.update(text.encode("utf-8", "surrogatepass") for text in texts)

    def redact(self, text: str) -> str:
        """Return text with every known form of a secret masked."""
        data = text.encode("utf-8", "surrogatepass")
        clean = self.redact_bytes(data)
        return text if clean is data else clean.decode("utf-8", "surrogatepass")

    def redact_bytes(self, data: bytes) -> bytes:
        """Return bytes with every known form of a secret masked; other bytes are not changed."""
        parts: list[bytes] = []
        end = 0
        for hit in sorted(self.hits(data), key=lambda hit: hit.start):
            if hit.start >= end:
                parts += (data[end : hit.start], _MASK)
            end = max(end, hit.end)
        return b"".join((*parts, data[end:])) if parts else data

    def redact_json(self, value: Json) -> Json:
        """Return a JSON value with every text in it masked, names too."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self.redact_json(item) for item in value]
        if isinstance(value, dict):
            return {self.redact(name): self.redact_json(item) for name, item in value.items()}
        return value

    def finds_secret(self, text: str) -> bool:
        """Return whether text contains a known secret in any form."""
        return any(self.hits(text.encode("utf-8", "surrogatepass")))

    def names_in(self, data: bytes) -> tuple[str, ...]:
        """Return the names of the secrets in some data, each once."""
        return tuple(sorted({hit.name for hit in self.hits(data)}))

    def hits(self, data: bytes) -> Iterator[Hit]:
        """Return what is secret in some data, in no order; hits may overlap and repeat."""
        search = self._search
        if search is None:
            named = self._names.items()
            search = FormSearch(form for value, name in named for form in forms_of(value, name))
            self._search = search
        longest = max(map(len, self._names), default=0)
        overlap = max(_OVERLAP, _LONGEST_FORM * longest)
        piece = max(_PIECE, 4 * overlap)
        for start in range(0, len(data), piece):
            part = data[start : start + piece + overlap]
            for name, first, last in self._hits_in(part, search, DEPTH):
                yield Hit(name, start + first, start + last)

    def _hits_in(
        self, data: bytes, search: FormSearch, depth: int, *, is_numbered: bool = True
    ) -> Iterator[Hit]:
        """Search some data as it is, and decoded as often as `depth` says.

        The numbers of its lines are left out once, where it may have some.
        """
        for name, first, last in search.find(data):
            yield Hit(name, first, last)
        for kind, first, last in find_tokens(data):
            if data[first:last] not in self._tokens_left:
                yield Hit(kind, first, last)
        if depth:
            yield from self._decoded_hits(data, search, depth, is_numbered=is_numbered)

    def _decoded_hits(
        self, data: bytes, search: FormSearch, depth: int, *, is_numbered: bool
    ) -> Iterator[Hit]:
        for strips, other in ((False, decode), (True, without_numbers)):
            text = data if strips and not is_numbered else other(data)
            if text == data:
                continue
            left = is_numbered and not strips
            inner = list(self._hits_in(text, search, depth - 1, is_numbered=left))
            if inner:
                places = decode_with_places(data, is_numbered=strips)
                for name, first, last in inner:
                    yield Hit(name, *places.span(first, last))


def redactor_of(found: EnvironmentSecrets) -> Redactor:
    """Return a redactor that knows what was found in an environment."""
    redactor = Redactor()
    for secret in found.secrets:
        redactor.add(secret.value, name=secret.name)
    return redactor


def environment_redactor(
    environment: Mapping[str, str], *, is_path: Callable[[str], bool]
) -> Redactor:
    """Return a redactor that knows the secrets in an environment; see `find_secrets`."""
    return redactor_of(find_secrets(environment, is_path=is_path))


def secrets_in(environment: Mapping[str, str], *, is_path: Callable[[str], bool]) -> Iterator[str]:
    """Return the secrets in an environment, known by the names of its variables.

    Args:
        environment: names and values.
        is_path: tells whether something stands at a path.
    """
    for secret in find_secrets(environment, is_path=is_path).secrets:
        yield secret.value
