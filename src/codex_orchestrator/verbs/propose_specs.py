"""Propose specs for code that none owns: drafts from folders, CODEOWNERS and git history."""

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from codex_orchestrator.guard.areas import OWNED, Area, Team, cut_areas
from codex_orchestrator.guard.authors import busiest_authors
from codex_orchestrator.guard.code_owners import CodeOwners
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.new_spec import spec_text
from codex_orchestrator.guard.specs import Owners, Spec, owners_of
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.system.git import Git, git_environment
from codex_orchestrator.text.globs import glob_problem
from codex_orchestrator.text.markdown import code
from codex_orchestrator.text.shown import counted
from codex_orchestrator.verbs.draft_names import draft_title, next_ids
from codex_orchestrator.verbs.present_specs import (
    MAX_BYTES,
    place_of_spec,
    present_code,
    present_specs,
    read_code_owners,
)
from codex_orchestrator.verbs.spec_proposal import Draft, SpecProposal


def propose_specs(
    root: str, config: GuardConfig, environment: Mapping[str, str], *, has_code_globs: bool = True
) -> SpecProposal:
    """Return drafts that own each file of code that no spec of the work tree owns, just once.

    Args:
        root: top folder of the repository.
        config: says what is code, and where specs are and how they are read.
        environment: the environment of the process.
        has_code_globs: whether the configuration says what is code; if not, it is found out.

    Raises:
        InputError: no tracked file is code, or specs have no place in the configuration.
        NotCheckedError: git cannot list the files.
    """
    git = Git(root, git_environment(environment, is_hook_repository=False))
    code_files = present_code(root, config, environment, has_code_globs=has_code_globs)
    with closing(ConfinedTree(Path(root), max_bytes=MAX_BYTES, allows_hard_links=True)) as tree:
        specs = present_specs(git, tree, config)
        place, rules = read_code_owners(tree)
    known = Owners(specs)
    code_owners = CodeOwners(rules)
    teams: dict[str, Team] = {}
    lines: dict[Team, set[int]] = {}
    for path in code_files:
        if known.of((path,)):
            teams[path] = OWNED
            continue
        rule = code_owners.rule(path)
        teams[path] = rule.owners if rule is not None else ()
        if rule is not None and rule.owners:
            lines.setdefault(rule.owners, set()).add(rule.line)
    areas = [area for area in cut_areas(teams) if not any(map(glob_problem, area.globs))]
    sources = {team: f"{place}, {_listed(sorted(found))}" for team, found in lines.items()}
    drafts = _drafts(areas, _authors(git, areas, teams), sources, config, specs)
    owned = sum(team is OWNED for team in teams.values())
    left = len(teams) - owned - sum(area.files for area in areas)
    return SpecProposal(tuple(drafts), len(teams), owned, left)


def write_drafts(root: str, drafts: tuple[Draft, ...]) -> None:
    """Write drafts that were proposed.

    Raises:
        InputError: a file of that name exists, or its folder leads out of the repository.
        ServiceError: a file cannot be written; those before it are there, and the next proposal
            leaves out what they own.
    """
    with closing(ConfinedTree(Path(root), max_bytes=MAX_BYTES, allows_hard_links=True)) as tree:
        for draft in drafts:
            if tree.kind(draft.path):
                fix = "move it, or give it front matter, and propose again"
                raise InputError("exists already", path=draft.path, fix=fix)
        for draft in drafts:
            tree.replace(draft.path, draft.text.encode(), mode=0o644, makes_folders=True)


def _authors(git: Git, areas: list[Area], teams: Mapping[str, Team]) -> dict[int, tuple[str, ...]]:
    """Return the authors of the areas that CODEOWNERS gives to nobody."""
    wanted = [number for number, area in enumerate(areas) if not area.team]
    if not wanted:
        return {}
    index = owners_of({str(number): areas[number].globs for number in wanted})
    area_of: dict[bytes, int] = {}
    for path, team in teams.items():
        if not team:
            for spec in index.of((path,)):
                area_of[os.fsencode(path)] = int(spec.path)
    return busiest_authors(git, area_of)


def _drafts(
    areas: list[Area],
    authors: Mapping[int, tuple[str, ...]],
    sources: Mapping[Team, str],
    config: GuardConfig,
    specs: list[Spec],
) -> list[Draft]:
    ids = next_ids([spec.path for spec in specs], [area.folder for area in areas])
    drafts = []
    for number, (area, spec_id) in enumerate(zip(areas, ids, strict=True)):
        history = authors.get(number, ())
        owners_from = sources.get(area.team, "git history" if history else "")
        owners = area.team or history
        title = draft_title(area)
        origin = _origin(area, owners_from)
        text = spec_text(spec_id, title=title, paths=area.globs, owners=owners, origin=origin)
        path = place_of_spec(config, spec_id)
        draft = Draft(path, spec_id, title, owners, owners_from, area.globs, area.files, text)
        drafts.append(draft)
    return drafts


def _origin(area: Area, owners_from: str) -> str:
    where = f"in {code(area.folder)}" if area.folder else "in several folders of the repository"
    owners = {
        "": "It names no owners: neither CODEOWNERS nor the last year of history does.",
        "git history": "Its owners are those who made most commits to it in the last year.",
    }.get(owners_from, f"Its owners are those of {owners_from}.")
    return (
        f"Drafted by `codex-orchestrator spec propose` from {counted(area.files, 'file')} {where}."
        f"\n{owners}\n"
        "It is a draft and allows nothing. A person checks `paths` and `owners`, writes the "
        "sections below,\nand then records the review with `codex-orchestrator guard accept`."
    )


def _listed(lines: list[int]) -> str:
    word = "line" if len(lines) == 1 else "lines"
    shown = ", ".join(map(str, lines[:5]))
    return f"{word} {shown}{' and more' if len(lines) > 5 else ''}"
