"""`python -m codex_orchestrator` and the console script."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from codex_orchestrator.cli.app import run

    sys.exit(run(sys.argv[1:], is_own_process=True))


if __name__ == "__main__":
    main()
