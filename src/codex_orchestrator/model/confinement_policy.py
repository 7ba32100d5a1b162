"""Who is confined how: pure functions from what is run and where to a `Confinement`."""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from codex_orchestrator.model.confinement import (
    DEFAULT_LIMITS,
    Confinement,
    Limits,
    Network,
)


class HomeTool(NamedTuple):
    """A file or folder of a tool below the home, and the variable for it.

    None is made for credentials: where a tool keeps those, only what lies beside them is named.

    `is_cache` says that the tool writes to it. The variable, set to `variable_folder` where it is
    given, lets the tool find it also where the private home cannot stand in the real one's place.
    """

    folder: str
    variable: str = ""
    is_cache: bool = False
    variable_folder: str = ""


HOME_TOOLS = (
    HomeTool(".cargo/bin", "CARGO_HOME", variable_folder=".cargo"),
    HomeTool(".cargo/registry", is_cache=True),
    HomeTool(".cargo/git", is_cache=True),
    HomeTool(".rustup", "RUSTUP_HOME"),
    HomeTool("go/pkg/mod", "GOMODCACHE"),
    HomeTool("go/bin"),
    HomeTool(".cache/go-build", is_cache=True),
    HomeTool(".cache/pip", is_cache=True),
    HomeTool(".cache/uv", is_cache=True),
    HomeTool(".npm/_cacache", is_cache=True),
    HomeTool(".cache/yarn", is_cache=True),
    HomeTool(".local/share/pnpm/store", is_cache=True),
    HomeTool(".m2/repository", is_cache=True),
    HomeTool(".gradle/caches", is_cache=True),
    HomeTool(".gradle/wrapper", is_cache=True),
    # Whole, such folders would bring hooks, settings and clones whose URL may hold a token.
    HomeTool(".nvm/nvm.sh", "NVM_DIR", variable_folder=".nvm"),
    HomeTool(".nvm/alias"),
    HomeTool(".nvm/versions"),
    HomeTool(".volta/bin", "VOLTA_HOME", variable_folder=".volta"),
    HomeTool(".volta/layout.v4"),
    HomeTool(".volta/tools"),
    HomeTool(".pyenv/bin", "PYENV_ROOT", variable_folder=".pyenv"),
    HomeTool(".pyenv/libexec"),
    HomeTool(".pyenv/shims"),
    HomeTool(".pyenv/version"),
    HomeTool(".pyenv/versions"),
    HomeTool(".local/bin"),
    HomeTool(".local/lib"),
    HomeTool(".local/pipx/shared"),
    HomeTool(".local/pipx/venvs"),
    HomeTool(".local/share/pipx/shared"),
    HomeTool(".local/share/pipx/venvs"),
    HomeTool(".local/share/uv/python"),
    HomeTool(".local/share/uv/tools"),
    HomeTool(".local/share/mise/installs"),
    HomeTool(".local/share/mise/shims"),
    HomeTool(".asdf/bin"),
    HomeTool(".asdf/installs"),
    HomeTool(".asdf/lib"),
    HomeTool(".asdf/plugins"),
    HomeTool(".asdf/shims"),
    HomeTool(".rbenv/bin"),
    HomeTool(".rbenv/libexec"),
    HomeTool(".rbenv/shims"),
    HomeTool(".rbenv/version"),
    HomeTool(".rbenv/versions"),
    HomeTool(".sdkman/candidates"),
)

_TOOL_VARIABLES = {
    "VIRTUAL_ENV": ("",),
    "CONDA_PREFIX": ("",),
    "JAVA_HOME": ("",),
    "GOROOT": ("",),
    "PYENV_ROOT": ("bin", "libexec", "shims", "version", "versions"),
    "NVM_DIR": ("nvm.sh", "alias", "versions"),
    "VOLTA_HOME": ("bin", "layout.v4", "tools"),
    "RUSTUP_HOME": ("",),
    "GOPATH": ("bin",),
    # Beside these lie `credentials.toml` and `config.toml`, which may hold a registry's token.
    "CARGO_HOME": ("bin",),
}
_CACHE_VARIABLES = {
    "GOPATH": ("pkg/mod",),
    "GOMODCACHE": ("",),
    "GOCACHE": ("",),
    "CARGO_HOME": ("registry", "git"),
}
# They point into the real home; programs find the same places below the private one.
_HOME_VARIABLES = frozenset(
    [
        *("HOME", "TMPDIR", "SHELL", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
        *("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"),
    ]
)


def confine_check(
    *,
    tree: str,
    log_folder: str,
    environ: Mapping[str, str],
    network: Network = Network.LOOPBACK,
    read: Iterable[str] = (),
    limits: Limits = DEFAULT_LIMITS,
    tools: Collection[str] = (),
    programs: Iterable[str] = (),
) -> Confinement:
    """Return the bounds of a check or of a command that a builder runs.

    Args:
        tree: the work tree.
        log_folder: where its report and its log go; "" when it writes none.
        environ: the variables that it may see, see `child_environment`.
        network: what it may reach.
        read: what else it may read, such as a linked `.venv`.
        limits: how much it may use.
        tools: which folders of `HOME_TOOLS` exist.
        programs: folders of the programs that it runs, besides those of PATH.
    """
    write = tuple(path for path in (tree, log_folder) if path)
    return _with_tools(
        Confinement(
            write,
            tuple(read),
            network=network,
            limits=limits,
            environment=dict(environ),
            home=environ.get("HOME", ""),
        ),
        tools,
        programs,
    )


def program_folders(folder: str, *, home: str) -> tuple[str, ...]:
    """Return what a program in a folder may need: the folder, and what was installed with it.

    That is the folder above, unless this is the home, contains it, or lies right in it: there
    stand things that are no program's.
    """
    above, name = os.path.split(folder.rstrip("/"))
    is_shared = above in ("/", home) or f"{home}/".startswith(f"{above}/")
    is_right_in_home = os.path.dirname(above) in (home, "/")
    if name not in ("bin", "sbin", "shims", "Scripts") or is_shared or is_right_in_home:
        return (folder,)
    return (above,)


def missing_layers(wanted: Network, in_force: Network, *, contains_files: bool) -> str:
    """Return what a check is not kept from, for `sandbox = "require"`; "" for nothing.

    Args:
        wanted: what it is to reach.
        in_force: what it can reach.
        contains_files: files and the memory of other processes are refused by the kernel.
    """
    if not contains_files:
        return "no layer keeps a check from our files and our memory"
    if wanted != in_force:
        return f"the network of a check is {in_force.value}, not {wanted.value}"
    return ""


_TOLD = (
    (
        "memory_bytes",
        re.compile(r"MemoryError|Cannot allocate memory|ENOMEM|out of memory", re.IGNORECASE),
    ),
    ("files", re.compile(r"Too many open files|EMFILE")),
    ("file_bytes", re.compile(r"File too large|EFBIG|File size limit exceeded")),
    ("private_bytes", re.compile(r"No space left on device|ENOSPC")),
    (
        "processes",
        re.compile(r"Resource temporarily unavailable|can't start new thread|fork: retry"),
    ),
)
_BY_SIGNAL = {24: "cpu_s", 25: "file_bytes"}


def reached_limit(limits: Mapping[str, int], *, exit_code: int | None, output: str) -> str:
    """Return the limit that a failed child seems to have met, as `limits.NAME`; "" for none.

    The kernel refuses a call and tells nobody else. So signals tell for sure, and words in the
    output only make it likely.
    """
    if exit_code in (None, 0):
        return ""
    number = -exit_code if exit_code < 0 else exit_code - 128
    names = [_BY_SIGNAL[number]] if number in _BY_SIGNAL else []
    names += [name for name, words in _TOLD if words.search(output)]
    return next((f"limits.{name}" for name in names if limits.get(name)), "")


def _with_tools(
    wanted: Confinement, tools: Collection[str], programs: Iterable[str]
) -> Confinement:
    """Add what tools need, and take away variables that point into the real home."""
    home = wanted.home
    read, caches = list(wanted.read), list(wanted.caches)
    if wanted.network is Network.OPEN:
        # Names are looked up by a file that often is a link out of /etc.
        read.append("/etc/resolv.conf")
    for tool in HOME_TOOLS if home else ():
        if tool.folder in tools:
            (caches if tool.is_cache else read).append(os.path.join(home, tool.folder))
    for table, found in ((_TOOL_VARIABLES, read), (_CACHE_VARIABLES, caches)):
        for name, parts in table.items():
            value = wanted.environment.get(name, "")
            if os.path.isabs(value):
                found += [os.path.normpath(os.path.join(value, part)) for part in parts]
    for folder in (*wanted.environment.get("PATH", "").split(os.pathsep), *programs):
        if os.path.isabs(folder):
            place = os.path.normpath(folder)
            read += [place, *program_folders(place, home=home)]
    environment = {
        name: value for name, value in wanted.environment.items() if name not in _HOME_VARIABLES
    }
    for tool in HOME_TOOLS if home else ():
        if tool.folder in tools and tool.variable:
            place = os.path.join(home, tool.variable_folder or tool.folder)
            environment.setdefault(tool.variable, place)
    return replace(
        wanted,
        read=tuple(dict.fromkeys(read)),
        caches=tuple(dict.fromkeys(caches)),
        environment=environment,
    )
