"""Which values of an environment are secrets: those that can be masked and are worth it.

To mask an ordinary word or a small number would spoil every text in which it stands anyway, and to
refuse it would stop every change that mentions it. Such values are left, and named.
"""

import json
import re
import urllib.parse
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from codex_orchestrator.text.secret_names import is_secret_name, is_url_name, parts_of

MIN_LENGTH = 6
_MAX_WORD = 14
_MAX_DIGITS = 9
_LIKE_A_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,:_-][0-9]+)*")
# In the words of English that programs are described with, these letters follow each other; $ is
# the end. Of a million random words of eight small letters six in a hundred pass, of those with a
# digit, a capital within or another sign none.
_FOLLOWERS = """
a:bcdefghiklmnprstuvwxyz$ b:abcdegijlmnoprstuy$ c:acdehiklmopqrstuy$ d:abcdefghijlmnoprstuvwy$
e:abcdefghijklmnopqrstuvwxyz$ f:acefilnorstuy$ g:acefghilmnoprstuy$ h:abeilmnorstuy$
i:abcdefgklmnopqrstuvxz$ j:aeosu k:adefgilnoprstuwy$ l:abcdefghiklnopstuvy$ m:abcdeilmnopsuy$
n:abcdefghijklmnopqrstuvwyz$ o:abcdefghijklmnoprstuvwxyz$ p:acdefghilmoprstuy$ q:u$
r:abcdefghiklmnoprstuvwy$ s:acdefhiklmnopqrstuwy$ t:acdefghilmnoprstuwy$ u:abcdefgilmnoprstvx$
v:aeio$ w:aehilnors$ x:acehimpst$ y:abceilmnoprstwz$ z:aeio$
"""
# Words and the like that the rule of letters does not know, from images and tutorials.
_USUAL = """
    mysql mssql nosql rabbitmq postgresql qwerty qwertz qwerty123 asdfgh azerty xxxxxx xxxxxxxx
    password1 password12 password123 passw0rd p@ssw0rd p@ssword admin123 admin1234 root123 test123
    test1234 secret123 changeme123 change-me change_me changeit letmein1 welcome1 abc123 abcd1234
    abcdef 123abc 1q2w3e 1q2w3e4r 1234567890 0123456789 iloveyou not-needed not_needed no-key
    no-password not-a-secret not-set test-key test_key dev-key example-key your-key your-api-key
    your_api_key sk-no-key-required sk-not-needed lm-studio redacted <redacted>
    """
# The password of a URL whose user is the token.
_NO_PASSWORDS = frozenset(("", "x-oauth-basic", "x"))
_AUTHORITY = re.compile(r"://([^/?#\s@:]*)(?::([^/?#\s]*))?@")
_QUERY = re.compile(r"[?&;]([^=&;#\s]+)=([^&;#\s]+)")
# Where each part of the path may be the secret.
_SECRET_PATH = frozenset(("WEBHOOK", "HOOK", "SECRET"))
_MIN_RANDOM = 16
# Shorter, a user without a password is a name.
_MIN_TOKEN = 8


class SecretValue(NamedTuple):
    """A secret: the variable that holds it, and its value."""

    name: str
    value: str


class Unmasked(NamedTuple):
    """A variable whose name is one of a secret and whose value is left as it is, and why."""

    name: str
    why: str


class EnvironmentSecrets(NamedTuple):
    """What in an environment is masked, and what is left although its name is one of a secret."""

    secrets: tuple[SecretValue, ...]
    unmasked: tuple[Unmasked, ...]

    def without(self, values: Collection[str], why: str) -> "EnvironmentSecrets":
        """Return the same with these values left as they are, and why."""
        left = [Unmasked(secret.name, why) for secret in self.secrets if secret.value in values]
        kept = tuple(secret for secret in self.secrets if secret.value not in values)
        return EnvironmentSecrets(kept, tuple(dict.fromkeys((*self.unmasked, *left))))


def find_secrets(
    environment: Mapping[str, str],
    *,
    is_path: Callable[[str], bool],
    not_secret: Collection[str] = (),
) -> EnvironmentSecrets:
    """Return the secrets in an environment, known by the names of its variables.

    Args:
        environment: names and values.
        is_path: tells whether something stands at a path.
        not_secret: names of variables that hold none, whatever they are called.
    """
    secrets: list[SecretValue] = []
    unmasked: list[Unmasked] = []
    for name, value in sorted(environment.items()):
        for part in _parts_of_value(name, value):
            why = "credentials.not_secret" if name in not_secret else _why_none(part, is_path)
            if why:
                unmasked.append(Unmasked(name, why))
            else:
                secrets.append(SecretValue(name, part))
    return EnvironmentSecrets(tuple(dict.fromkeys(secrets)), tuple(dict.fromkeys(unmasked)))


def _parts_of_value(name: str, value: str) -> Iterator[str]:
    """Return what of a value is a secret by the name of its variable."""
    if not value:
        return
    if is_secret_name(name):
        yield value
        yield from _in_document(value)
    if "://" in value and (is_secret_name(name) or is_url_name(name)):
        yield from _in_url(value, is_all_secret=not _SECRET_PATH.isdisjoint(parts_of(name)))


def _in_url(value: str, *, is_all_secret: bool) -> Iterator[str]:
    found = []
    for user, password in _AUTHORITY.findall(value):
        if password not in _NO_PASSWORDS:
            found.append(password)
        elif len(user) >= _MIN_TOKEN and not is_word(user):
            found.append(user)
    for key, text in _QUERY.findall(value):
        if is_secret_name(key) or parts_of(key)[-1:] in {("SIG",), ("SIGNATURE",)}:
            found.append(text)
    if is_all_secret:
        parts = re.split(r"[/?&=;#]+", value.partition("://")[2])[1:]
        found += [part for part in parts if len(part) >= _MIN_RANDOM]
    for text in found:
        if text:
            yield text
            if urllib.parse.unquote(text) != text:
                yield urllib.parse.unquote(text)


def _in_document(value: str) -> Iterator[str]:
    """Return the secrets in a JSON document, such as the key file of a service account."""
    if not value.lstrip().startswith("{"):
        return
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return
    for key, text in document.items():
        if isinstance(text, str) and is_secret_name(key):
            yield text


def _why_none(value: str, is_path: Callable[[str], bool]) -> str:
    """Return why a value is not masked, "" when it is."""
    if len(value) < MIN_LENGTH:
        return f"shorter than {MIN_LENGTH} characters"
    if _LIKE_A_NUMBER.fullmatch(value) and sum(map(str.isdigit, value)) <= _MAX_DIGITS:
        return "a number"
    if is_word(value):
        return "an ordinary word"
    if len(set(value)) == 1:
        return "one character repeated"
    return "the path of a file" if ("/" in value or "." in value) and is_path(value) else ""


def is_word(value: str) -> bool:
    """Return whether a value is an ordinary word, or a password as tutorials have them.

    A word has at most 14 letters, small or with a capital first, or all capitals, in an order
    that occurs in words.
    """
    if value.lower() in _usual():
        return True
    is_one_case = value.islower() or value.isupper() or value[1:].islower()
    if len(value) > _MAX_WORD or not (value.isascii() and value.isalpha() and is_one_case):
        return False
    followers, word = _followers(), f"{value.lower()}$"
    has_vowel = not set("aeiouy").isdisjoint(word)
    return has_vowel and all(word[n + 1] in followers[word[n]] for n in range(len(word) - 1))


@cache
def _usual() -> frozenset[str]:
    return frozenset(_USUAL.split())


@cache
def _followers() -> dict[str, str]:
    return {entry[0]: entry[2:] for entry in _FOLLOWERS.split()}
