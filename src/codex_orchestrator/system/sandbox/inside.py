"""The child's own last steps: what it is, what it gave up, and the program that it becomes."""

import os

from codex_orchestrator.system.sandbox import kernel, new_root, orders, privileges, watching
from codex_orchestrator.system.sandbox.orders import Orders
from codex_orchestrator.system.sandbox.report import Report


def become_child(wanted: Orders, report: Report, *, others: int, is_probe: bool) -> None:
    """Give up all rights, say what is in force, and become the command.

    Args:
        wanted: the orders; namespaces have been entered.
        report: where it is said what is in force.
        others: threads of the same user that count against its limit.
        is_probe: end after the last layer.

    Raises:
        OSError: a layer or the command could not be started.
    """
    watching.restore_signals()
    os.setsid()
    os.chdir(wanted.cwd)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    privileges.set_limits(wanted.limits, others=others)
    done = privileges.give_up_rights(wanted)
    if is_probe:
        os._exit(0)
    for layer in [*_entered(wanted), *done, orders.LIMITS]:
        report.say(layer=layer)
    for name in privileges.limits_in_force(wanted):
        report.say(limited=name)
    in_force = orders.network_in_force(wanted.layers, wanted.network, bubblewrap=wanted.bubblewrap)
    report.say(network=in_force)
    _execute(wanted.argv, _environment(wanted))


def _entered(wanted: Orders) -> list[str]:
    """Return the layers that stand around the child since before its rights were given up."""
    around = (*orders.NAMESPACES, orders.OTHER_USER, orders.COPY_ON_WRITE)
    names = [name for name in around if name in wanted.layers]
    if orders.COPY_ON_WRITE in names and not wanted.copy:
        names.remove(orders.COPY_ON_WRITE)
    return [*names, orders.BUBBLEWRAP] if wanted.bubblewrap else names


def _environment(wanted: Orders) -> dict[str, str]:
    environment = dict(wanted.environment)
    if orders.MOUNT in wanted.layers:
        environment |= {"HOME": new_root.home_of(wanted), "TMPDIR": new_root.TEMP}
    elif wanted.scratch:
        folders = {"HOME": "home", "TMPDIR": "tmp"}
        environment |= {
            name: os.path.join(wanted.scratch, folder) for name, folder in folders.items()
        }
        # Java takes `/tmp` whatever TMPDIR says, and with a layer that is closed.
        environment.setdefault("JAVA_TOOL_OPTIONS", f"-Djava.io.tmpdir={environment['TMPDIR']}")
    return environment


def _execute(argv: tuple[str, ...], environment: dict[str, str]) -> None:
    """Run a program, looked up in the PATH that it gets; absolute folders only.

    Raises:
        OSError: there is none, or it cannot be run.
    """
    kernel.close_on_exec_from(3)
    if os.sep in argv[0]:
        os.execve(argv[0], argv, environment)  # noqa: S606 - without a shell is the point
    missing = OSError(kernel.ENOENT, os.strerror(kernel.ENOENT))
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        if not os.path.isabs(folder):
            continue
        try:
            os.execve(os.path.join(folder, argv[0]), argv, environment)  # noqa: S606
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            missing = error
    raise OSError(missing.errno, os.strerror(missing.errno or 0))
