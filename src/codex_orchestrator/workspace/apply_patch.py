"""Apply a patch to a work tree: all of it, or nothing."""

from codex_orchestrator.model.errors import OrchestratorError
from codex_orchestrator.model.tool_results import ChangedFile
from codex_orchestrator.system.confined import ConfinedTree, PlainFile, parts_of
from codex_orchestrator.workspace.hunks import apply_hunks
from codex_orchestrator.workspace.patch import FileEdit, PatchError

PLAIN_MODE = 0o644


def apply_edits(tree: ConfinedTree, edits: tuple[FileEdit, ...]) -> tuple[ChangedFile, ...]:
    """Apply the edits of a patch in their order; all are worked out before the first is written.

    Raises:
        PatchError: a hunk does not fit, or a file is missing or exists against the patch.
        InputError: a path leaves the tree, or is not a regular file.
        ServiceError: a file cannot be written; those written before are put back.
    """
    before: dict[str, PlainFile | None] = {}
    after: dict[str, PlainFile | None] = {}
    for edit in edits:
        path = "/".join(parts_of(edit.path))
        target = "/".join(parts_of(edit.new_path)) if edit.new_path else path
        for name in (path, target):
            if name not in before:
                before[name] = after[name] = tree.read(name) if tree.kind(name) else None
        if target != path and after[target] is not None:
            raise PatchError("exists already; a renamed file must not replace it", path=target)
        after[target] = _edited(after[path], edit, path)
        if target != path:
            after[path] = None
    changed = [path for path in before if before[path] != after[path]]
    if not changed:
        raise PatchError("the patch changes nothing")
    _write(tree, changed, before, after)
    return tuple(
        ChangedFile(path=path, action=_action(before[path], after[path]))
        for path in sorted(changed)
    )


def _edited(file: PlainFile | None, edit: FileEdit, path: str) -> PlainFile | None:
    if edit.kind == "add":
        if file is not None:
            raise PatchError("exists already; update it instead", path=path)
        data = b"".join(line.text for hunk in edit.hunks for line in hunk.lines if line.tag == "+")
        return PlainFile(data, PLAIN_MODE if edit.mode is None else edit.mode)
    if file is None:
        raise PatchError("no such file; add it instead", path=path)
    data = apply_hunks(file.data, edit.hunks, path=path)
    if edit.kind == "delete":
        if edit.hunks and data:
            raise PatchError("is deleted by the patch, but has more lines than that", path=path)
        return None
    return PlainFile(data, file.mode if edit.mode is None else edit.mode)


def _write(
    tree: ConfinedTree,
    changed: list[str],
    before: dict[str, PlainFile | None],
    after: dict[str, PlainFile | None],
) -> None:
    done: list[str] = []
    # Deleted ones first: a folder may take the place of a file.
    order = sorted(changed, key=lambda path: after[path] is not None)
    try:
        for path in order:
            done.append(path)
            _put(tree, path, after[path])
    except OrchestratorError:
        for path in reversed(done):
            if tree.kind(path) or before[path] is not None:
                _put(tree, path, before[path])
        raise


def _put(tree: ConfinedTree, path: str, file: PlainFile | None) -> None:
    if file is None:
        tree.remove(path)
    else:
        tree.replace(path, file.data, mode=file.mode, makes_folders=True)


def _action(before: PlainFile | None, after: PlainFile | None) -> str:
    if before is None:
        return "added"
    return "deleted" if after is None else "updated"
