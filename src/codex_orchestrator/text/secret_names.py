"""Names of variables that hold secrets: the last part of a name decides."""

import re
from functools import lru_cache

# In one piece with what stands before them, too: PGPASSWORD, authToken, CLIENTSECRET.
_ENDINGS = (
    *("SECRET", "SECRETS", "PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "PASSPHRASES"),
    *("TOKEN", "APIKEY", "APIKEYS", "ACCESSKEY", "PRIVATEKEY", "SECRETKEY"),
    *("CREDENTIAL", "CREDENTIALS"),
)
# Only as a part of their own: MONKEY and AUTHOR hold no secret.
_PARTS = frozenset(("KEY", "PAT", "AUTH", "PWD", "PASS", "PW", "JWT", "COOKIE", "BEARER"))
_PAIRS = frozenset(
    [
        *(("CONNECTION", "STRING"), ("SECRET", "ID"), ("ACCESS", "KEY", "ID")),
        *(("API", "KEYS"), ("ACCESS", "KEYS"), ("PRIVATE", "KEYS"), ("SECRET", "KEYS")),
    ]
)
_PUBLIC = frozenset(
    [
        *(("PUBLIC", "KEY"), ("PUB", "KEY"), ("PUBLISHABLE", "KEY"), ("CACHE", "KEY")),
        *(("PRIMARY", "KEY"), ("FOREIGN", "KEY"), ("SORT", "KEY"), ("PARTITION", "KEY")),
    ]
)
# They say which of several secrets it is, so the part before them decides: GITHUB_TOKEN_PROD.
_WHICH = frozenset(
    [
        *("PROD", "PRODUCTION", "STAGING", "STAGE", "DEV", "DEVELOPMENT", "TEST", "TESTING"),
        *("QA", "UAT", "CI", "LIVE", "SANDBOX", "PREVIEW", "LOCAL", "OLD", "NEW", "NEXT"),
        *("PRIMARY", "SECONDARY", "BACKUP", "MAIN", "DEFAULT", "CURRENT", "PREVIOUS", "READ"),
        *("WRITE", "RO", "RW", "ADMIN", "ROOT", "BASE", "VALUE", "B64", "BASE64", "JSON", "RAW"),
    ]
)
# A name with such a word holds a secret, unless the last part says what else: API_KEY_ACME.
_STRONG = re.compile(
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL"
)
_ABOUT = frozenset(
    [
        *("LENGTH", "LEN", "MIN", "MAX", "SIZE", "COUNT", "LIMIT", "NUMBER", "ROUNDS", "COST"),
        *("NAME", "NAMES", "FILE", "FILES", "PATH", "PATHS", "DIR", "DIRECTORY", "FOLDER", "HOME"),
        *("HOST", "PORT", "REGION", "ACCOUNT", "PROJECT", "PROVIDER", "MANAGER", "STORE"),
        *("BACKEND", "ENGINE", "MOUNT", "SCOPE", "SCOPES", "ROLE", "USER", "USERNAME", "EMAIL"),
        *("TYPE", "KIND", "MODE", "FORMAT", "VERSION", "ALGORITHM", "ENCODING", "POLICY", "PREFIX"),
        *("SUFFIX", "HEADER", "FIELD", "LABEL", "TITLE", "HINT", "PROMPT", "HELP", "ID", "IDS"),
        *("TTL", "EXPIRY", "EXPIRES", "EXPIRATION", "TIMEOUT", "AGE", "ROTATION", "INTERVAL"),
        *("ENABLED", "DISABLED", "REQUIRED", "ALLOWED", "CHECK", "URL", "URI", "ENDPOINT"),
    ]
)
_URL_ENDINGS = ("URL", "URLS", "URI", "URIS", "DSN", "PROXY", "WEBHOOK", "ENDPOINT")
_PART = re.compile(r"B(?:ase|ASE)?64|[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.ASCII)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Return whether the name of a variable marks its value as a secret."""
    parts = parts_of(name)
    while len(parts) > 1 and parts[-1] in _WHICH:
        parts = parts[:-1]
    # PWD alone is the folder that a shell stands in.
    if not parts or parts == ("PWD",) or parts[-2:] in _PUBLIC:
        return False
    is_ending = parts[-1].endswith(_ENDINGS) or parts[-1] in _PARTS
    if is_ending or parts[-2:] in _PAIRS or parts[-3:] in _PAIRS:
        return True
    return parts[-1] not in _ABOUT and bool(_STRONG.search("_".join(parts)))


def is_url_name(name: str) -> bool:
    """Return whether the name of a variable says that its value is a URL."""
    parts = parts_of(name)
    return bool(parts) and parts[-1].endswith(_URL_ENDINGS)


def parts_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in capitals, numbers left out: `authToken2` is AUTH, TOKEN."""
    return tuple(part.upper() for part in _PART.findall(name))
