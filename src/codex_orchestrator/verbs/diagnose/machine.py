"""Look at the machine: git, Python, the extras, and what contains checks."""

import importlib.util
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.model.config import PolicyConfig
from codex_orchestrator.model.confinement import Sandbox
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.system.git import Git, git_environment
from codex_orchestrator.system.installed import install_command
from codex_orchestrator.system.sandbox.probe import Probe as Layers
from codex_orchestrator.verbs.check_containment import missing_containment

_SANDBOX_FIX = (
    "allow unprivileged user namespaces (on Ubuntu 24.04 by an AppArmor profile with `userns,`), "
    "or install bubblewrap"
)
# extra → modules that it installs
EXTRAS = {
    "agents": ("agents", "mcp"),
    "codex": ("openai_codex",),
    "patterns": ("ast_grep_py", "jinja2"),
    "github": ("github",),
    "catalog": ("obstore", "stamina"),
    "report": ("jinja2",),
}


def probe_git(repo: Path, environ: Mapping[str, str]) -> Probe:
    """Look for git, and for a commit to work from."""
    git = Git(str(repo), git_environment(environ, is_hook_repository=False))
    try:
        version = git.answer("version") or ""
        commit = git.answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except NotCheckedError as error:
        return Probe("git", "missing", error.message, error.fix, is_required=True)
    if commit is None:
        detail, fix = "the repository has no commits", "make a first commit"
        return Probe("git", "missing", detail, fix, is_required=True)
    return Probe("git", "works", version, is_required=True)


def probe_python() -> Probe:
    """Say which Python runs the toolkit."""
    return Probe("python", "works", f"{platform.python_version()} at {sys.executable}")


def probe_extra(name: str) -> Probe:
    """Look for the packages of an extra."""
    missing = [module for module in EXTRAS[name] if importlib.util.find_spec(module) is None]
    if missing:
        detail = f"no {', '.join(missing)}"
        return Probe(f"extra [{name}]", "missing", detail, install_command(name))
    return Probe(f"extra [{name}]", "works", "installed")


def probe_sandbox(policy: PolicyConfig, layers: Layers) -> Probe:
    """Say what contains checks here, and whether that is what the configuration wants."""
    wanted = policy.network
    if policy.sandbox is Sandbox.OFF:
        detail = 'policy.sandbox is "off": checks are not contained'
        return Probe("sandbox", "not configured", detail, 'set policy.sandbox = "auto"')
    others = [f"{layer} does not work: {why}" for layer, why in sorted(layers.refused.items())]
    network = f"the network of checks is {layers.network(wanted).value}"
    detail = "; ".join([", ".join(sorted(layers.works)) or "no layer works", network, *others])
    if missing_containment(layers, wanted):
        is_required = policy.sandbox is Sandbox.REQUIRE
        return Probe("sandbox", "missing", detail, _SANDBOX_FIX, is_required=is_required)
    return Probe("sandbox", "works", detail)
