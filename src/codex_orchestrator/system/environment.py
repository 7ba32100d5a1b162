"""The environment of child processes: built from an allow-list, never by removing names."""

from collections.abc import Mapping

from codex_orchestrator.text.names import search_path
from codex_orchestrator.text.secret_names import is_secret_name

_ALLOWED = frozenset(
    [
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TERM", "TZ", "CI"),
        *("LANG", "LANGUAGE", "SYSTEMROOT", "USERPROFILE", "COMSPEC", "PATHEXT"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
        *("VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "JAVA_HOME", "NVM_DIR", "VOLTA_HOME"),
        *("GOPATH", "GOROOT", "GOCACHE", "GOMODCACHE", "CARGO_HOME", "RUSTUP_HOME"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    ]
)


def is_ci(environ: Mapping[str, str]) -> bool:
    """Return whether this is a job of continuous integration, by the variables that all set."""
    names = ("CI", "GITHUB_ACTIONS")
    return any(environ.get(name, "").lower() not in ("", "0", "false") for name in names)


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a command that may run untrusted code.

    Args:
        environ: our own environment; only listed names are used.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name in _ALLOWED or (name.startswith("LC_") and not is_secret_name(name))
    }
    kept["PATH"] = search_path(environ)
    kept.setdefault("LANG", "C.UTF-8")
    return kept
