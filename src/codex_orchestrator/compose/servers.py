"""What the MCP servers offer: the tools of a work tree, and the bridge to Codex."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from codex_orchestrator.compose.containment import find_layers
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.engine import ModelEndpoint
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.model.server import BridgeRequest
from codex_orchestrator.system.clock import utc_now
from codex_orchestrator.system.own_process import import_first

if TYPE_CHECKING:
    from codex_orchestrator.codex.bridge import CodexBridge
    from codex_orchestrator.patterns.library import Library
    from codex_orchestrator.workspace.tools import WorkspaceTools

_NEEDED_BY_TOOLS = (
    *("codex_orchestrator.text", "codex_orchestrator.workspace", "codex_orchestrator.patterns"),
    *("ast", "difflib", "unicodedata", "ast_grep_py", "jinja2.sandbox"),
)


def open_tools(
    root: Path,
    *,
    git_dir: Path | None = None,
    policy: Policy,
    checks: Sequence[CheckCommand],
    environ: Mapping[str, str],
    private: Path,
    log_dir: Path,
    library_root: Path,
    decisions: Path | None,
    uses: Path | None,
) -> "WorkspaceTools":
    """Return the tools of a work tree.

    Args:
        root: the work tree.
        git_dir: its git folder; None for the one that its `.git` names.
        policy: what may be done.
        checks: commands that can be run by name.
        environ: our environment; commands get an allow-list of it.
        private: folder for files that tools cannot access.
        log_dir: folder for the logs of checks.
        library_root: the repository whose patterns are used; read when the first pattern is
            applied.
        decisions: file for decisions, or None.
        uses: file for uses of patterns, or None.

    Raises:
        InputError: root is not a folder.
        NotCheckedError: it is no git work tree, or containment is required and does not work here.
    """
    from codex_orchestrator.workspace.gate import Gate
    from codex_orchestrator.workspace.tools import WorkspaceTools

    # Checks run later, and could change a module that is not loaded yet.
    import_first(*_NEEDED_BY_TOOLS)
    root = root.resolve()
    library = cache(partial(_open_library, library_root))

    def apply(
        pattern: str,
        paths: Sequence[str],
        allow: Callable[[str], str],
        *,
        is_dry_run: bool = False,
    ) -> PatternUse:
        return library().apply(pattern, root, paths, allow=allow, is_dry_run=is_dry_run)

    return WorkspaceTools(
        root,
        git_dir=git_dir,
        gate=Gate(policy, decisions=decisions, clock=utc_now),
        checks=checks,
        environ=environ,
        private=private,
        log_dir=log_dir,
        preview_pattern=partial(apply, is_dry_run=True),
        apply_pattern=apply,
        uses=uses,
        layers=find_layers(policy.sandbox, policy.network, environ),
        network=policy.network,
    )


def _open_library(root: Path) -> "Library":
    from codex_orchestrator.patterns.library import Library

    return Library.open(root)


def open_bridge(
    request: BridgeRequest,
    *,
    model: str,
    base_url: str,
    codex_path: str,
    key_socket: str,
    key_fd: int | None,
    retry_delay_s: float,
) -> "CodexBridge":
    """Return the bridge to Codex; the caller closes it.

    Args:
        request: what the bridge is to do.
        model: the model for calls that name none.
        base_url: address of the Responses API, up to `/v1`.
        codex_path: the Codex binary; "" for the one that is found.
        key_socket: the socket that offers the model key, "" for none.
        key_fd: the descriptor to read the key from.
        retry_delay_s: the first wait when the model server is busy.

    Raises:
        InputError: an approval or the URL is not valid.
        NotCheckedError: Codex cannot be used, or the key that was announced is not there.
    """
    from codex_orchestrator.codex.binary import find_codex, require_tested
    from codex_orchestrator.codex.bridge import CodexBridge
    from codex_orchestrator.codex.escalation import parse_grants
    from codex_orchestrator.codex.hardening import provider_settings
    from codex_orchestrator.codex.key_channel import read_key, take_key

    # Errors are raised here, before the key is taken, and not during a call.
    parse_grants(request.approvals)
    binary = require_tested(find_codex(codex_path))
    provider_settings(base_url, has_key=False)
    key = take_key(key_socket) if key_socket else None
    if key_fd is not None:
        key = read_key(key_fd)
    endpoint = ModelEndpoint(model, base_url, key)
    return CodexBridge(binary, request, endpoint, retry_delay_s=retry_delay_s)
