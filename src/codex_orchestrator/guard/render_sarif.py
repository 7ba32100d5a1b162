"""The report as SARIF 2.1.0, for code scanning."""

import os
from typing import Any
from urllib.parse import quote_from_bytes

from codex_orchestrator.guard.report import NOT_CHECKED, Report
from codex_orchestrator.guard.rules.base import Rule
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.shown import utf8_text

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render_sarif(report: Report, rules: list[Rule], *, version: str) -> dict[str, Any]:
    """Return the report as a SARIF log with one run.

    Args:
        report: the report.
        rules: every rule that may have findings in it.
        version: version of the toolkit.
    """
    known = {rule.code: number for number, rule in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "codex-orchestrator guard",
                        "version": version,
                        "rules": [_rule(rule) for rule in rules],
                    }
                },
                "invocations": [{"executionSuccessful": report.outcome != NOT_CHECKED}],
                "results": [_result(finding, known) for finding in report.findings],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
    }


def _result(finding: Finding, known: dict[str, int]) -> dict[str, Any]:
    text = finding.message + (f"\nfix: {finding.fix}" if finding.fix else "")
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": utf8_text(text)},
    }
    if finding.rule in known:
        result["ruleIndex"] = known[finding.rule]
    if finding.path:
        place: dict[str, Any] = {
            "artifactLocation": {
                "uri": quote_from_bytes(os.fsencode(finding.path)),
                "uriBaseId": "%SRCROOT%",
            }
        }
        if finding.line:
            place["region"] = {"startLine": finding.line}
        result["locations"] = [{"physicalLocation": place}]
    return result
