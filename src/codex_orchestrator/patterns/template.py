"""Templates: text with placeholders, rendered in a sandbox; values are data, never code."""

from collections.abc import Mapping
from typing import Any

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.patterns.asset import Asset
from codex_orchestrator.system.installed import missing_extra
from codex_orchestrator.text.markdown import code_span

MAX_OUTPUT = 1024 * 1024


def render(asset: Asset, values: Mapping[str, Any]) -> str:
    """Render a template.

    Raises:
        InputError: a value is missing, or the template does something forbidden.
        MissingExtraError: jinja2 is not installed.
    """
    try:
        from jinja2 import StrictUndefined, TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise missing_extra("patterns", needed_for="filling templates") from error
    place = f"{asset.folder}/{asset.source.entry}"
    # Markdown is written, not HTML: the `code` filter is what keeps values from being markup.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["code"] = _code
    pieces: list[str] = []
    size = 0
    try:
        for piece in environment.from_string(asset.text(asset.source.entry)).generate(values):
            size += len(piece)
            if size > MAX_OUTPUT:
                raise InputError(f"the text grows beyond {MAX_OUTPUT} characters", path=place)
            pieces.append(piece)
    except TemplateError as error:
        line = getattr(error, "lineno", 0) or 0
        raise InputError(
            f"{type(error).__name__}: {error.message}",
            path=place,
            line=line,
            fix="give the values that the template names",
        ) from error
    except (TypeError, ValueError, ArithmeticError, RecursionError, OverflowError) as error:
        raise InputError(f"the values do not fit the template: {error}", path=place) from error
    return "".join(pieces)


def _code(value: object) -> str:
    return code_span(" ".join(str(value).split())) or "(empty)"
