"""Rust projects: cargo test, clippy, cargo build."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from codex_orchestrator.adapters.cargo_files import holds_package, inside, is_member, toolchains
from codex_orchestrator.adapters.interface import Detection, detect_files, read_text
from codex_orchestrator.adapters.reports import LOADED, read_output
from codex_orchestrator.model.check import LOG_DIR, CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

_TARGET = re.compile(r"(?:(.*/))?(?:src/(\w+)|tests/([\w-]+))(?:/[\w/-]+)?\.rs")
_CHOOSES_MEMBERS = re.compile(r"^\s*default-members\s*=", re.MULTILINE)


class RustAdapter:
    """One Cargo package, or all packages of a workspace."""

    id = "rust"
    project_files = ("Cargo.toml",)

    def detect(self, root: Path) -> Detection:
        """Look for Cargo.toml, then for Rust files."""
        return detect_files(root, project_file="Cargo.toml", suffix=".rs", language="Rust")

    def holds(self, root: Path, folder: str) -> bool:
        """Say whether a package in a folder is of the workspace, as Cargo takes it to be."""
        return holds_package(root, folder)

    def one_test(self, command: CheckCommand, name: str) -> tuple[str, ...]:
        """Return what runs one test of a binary, or the documentation tests of an item."""
        place, _, item = name.partition(" - ")
        place, _, test = place.partition("::")
        found = _TARGET.match(place)
        if not found:
            return ()
        package = ["--manifest-path", f"{found[1]}Cargo.toml"] if found[1] else []
        if item:
            return ("cargo", "test", *package, "--doc", item.split(" #")[0])
        target = ["--test", found[3]] if found[3] else ["--lib" if found[2] == "lib" else "--bins"]
        return ("cargo", "test", *package, *target, "--", "--exact", test)

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return test, lint (clippy) and build.

        They take all packages of a workspace, unless it names the ones that it means; in the folder
        of a member only that one.
        """
        is_chosen = _CHOOSES_MEMBERS.search(read_text(root / "Cargo.toml"))
        members = [] if is_chosen or is_member(root) else ["--workspace"]
        locked = ["--locked"] if any((one / "Cargo.lock").is_file() for one in inside(root)) else []
        programs = ("cargo", "rustc", *toolchains())
        options = (*members, "--offline", *locked)
        # Cargo goes by the times of files: of another tree's target folder, that tree's code runs.
        target = str(root / "target" / "checks")
        environment = (("CARGO_TARGET_DIR", target), ("CARGO_BUILD_BUILD_DIR", target))
        shown = ("cargo", "test", *options)
        found: dict[CheckName, CheckCommand] = {
            "test": read_output(
                "cargo",
                options,
                shown,
                env=(*environment, ("CODEX_ORCHESTRATOR_LOADED", f"{LOG_DIR}/{LOADED}")),
                loaded=LOADED,
                must_measure=True,
                mend="name the folder by a path that is relative to the file",
                timeout_s=1800,
                programs=programs,
                first_test="write `#[test] fn name() { … }` in src/, or in a new file in tests/",
            )
        }
        verbs: dict[CheckName, str] = {"lint": "clippy", "build": "build"}
        for name, verb in verbs.items():
            argv = ("cargo", verb, "--all-targets", *options)
            found[name] = CheckCommand(
                name=name, argv=argv, env=environment, timeout_s=1800, programs=programs
            )
        return found

    def ensure_ready(
        self,
        root: Path,
        checks: Sequence[CheckName],
        *,
        python: str = "",
        layers: Layers = probe_layers,
    ) -> None:
        """Make sure that Cargo, and clippy for `lint`, are installed.

        Raises:
            NotCheckedError: one is missing, or the target folder is another tree's.
        """
        if shutil.which("cargo") is None:
            raise NotCheckedError("the checks need cargo", fix="install Rust")
        if "lint" in checks and shutil.which("cargo-clippy") is None:
            raise NotCheckedError("`lint` needs clippy", fix="rustup component add clippy")
        if (root / "target").is_symlink():
            raise NotCheckedError(
                "`target` is a link: Cargo might run what was built of another tree",
                fix="do not link the target folder",
            )
