"""Lines for the configuration, as the file that holds it wants them."""

from codex_orchestrator.model.config_file import OWN_FILE, PYPROJECT


def lines_to_paste(source: str, table: str, line: str) -> str:
    """Return a table with one line, and the name of the file that it goes into.

    Args:
        source: the file that the configuration is in, as `ConfigTable` names it, "" for none.
        table: the name of the table, such as `guard`.
        line: a key with its value.
    """
    if source.startswith(PYPROJECT):
        return f"in {PYPROJECT}:\n[tool.codex-orchestrator.{table}]\n{line}"
    return f"in {OWN_FILE}:\n[{table}]\n{line}"
