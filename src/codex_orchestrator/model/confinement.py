"""What a child process may read, write, reach, use and see, and what of that was in force.

Values only, on the standard library, because the machine imports them: `confinement_policy`
makes a `Confinement`, `system/sandbox` enforces it and says what came of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, NamedTuple

_GIB = 1024**3


class Sandbox(StrEnum):
    """The configuration's `policy.sandbox`."""

    AUTO = "auto"
    REQUIRE = "require"
    OFF = "off"


class Network(StrEnum):
    """What a child reaches: nothing, servers that it starts itself, or everything."""

    OFF = "off"
    LOOPBACK = "loopback"
    OPEN = "open"


class Limits(NamedTuple):
    """How much a child may use; 0 sets no limit.

    `processes` counts threads too, `memory_bytes` is private memory of each process, `file_bytes`
    the size of each file, `cpu_s` processor seconds of each process, `private_bytes` all files in
    private folders together, `disk_bytes` how much free space may vanish from the disks that the
    child writes to.
    """

    processes: int = 1024
    memory_bytes: int = 8 * _GIB
    files: int = 8192
    file_bytes: int = 4 * _GIB
    cpu_s: int = 3600
    private_bytes: int = 2 * _GIB
    disk_bytes: int = 16 * _GIB


DEFAULT_LIMITS = Limits()


class GitPlaces(NamedTuple):
    """A work tree, its git folder, and the one that it shares with others: absolute real paths.

    They are determined before the first child runs: what it writes to `.git` leads nowhere.
    """

    tree: str
    git_dir: str
    common_dir: str


@dataclass(frozen=True)
class Confinement:
    """The bounds of one child; paths are absolute.

    Attributes:
        write: files and folders that it may change.
        read: what it may read besides the system's own folders.
        caches: folders that it sees with changes that vanish with it; where copies cannot be made,
            it may only read them.
        network: what it may reach.
        limits: how much it may use.
        environment: all variables that it gets; HOME and TMPDIR become private folders.
        home: the user's home: the private one is shown in its place, where that can be done.
        git: the work tree in which it may use git; None for none.
    """

    write: tuple[str, ...]
    read: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    network: Network = Network.LOOPBACK
    limits: Limits = DEFAULT_LIMITS
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    home: str = ""
    git: GitPlaces | None = None


@dataclass(frozen=True)
class SandboxFacts:
    """What was in force for one child, as its record holds it.

    `layers` are names in the order in which they were set up; none when the child was not
    contained. `network` is what it could reach, whatever was wanted. `limits` are those in force.
    """

    # Documents hold it, and refuse what they do not know.
    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    layers: tuple[str, ...] = ()
    network: Network = Network.OPEN
    limits: Mapping[str, int] = field(default_factory=dict)
