"""How five languages write tests: what declares, judges, skips and cuts short a test.

Names of calls are matched as they stand in the code, `self.assertEqual` for example.
"""

import re
from typing import NamedTuple


class Dialect(NamedTuple):
    """The tests of one language. Each expression but `declares` is searched in a call's name.

    Args:
        roles: what a syntax node means to a test, by the parser's name for its kind.
        declares: a function's name in its declaration.
        tests: what makes it a test: its name, or one of its marks (decorator, annotation).
        asserts: calls that judge.
        weak: calls that judge less than that one value is exactly another.
        skips: marks and calls that keep a test from judging.
        ends: calls that end the process of the test runner.
        broad: handlers that also catch a failed assertion.
    """

    roles: dict[str, str]
    declares: re.Pattern[str]
    tests: re.Pattern[str]
    asserts: re.Pattern[str]
    weak: re.Pattern[str]
    skips: re.Pattern[str]
    ends: re.Pattern[str]
    broad: re.Pattern[str]


def _roles(**kinds: str) -> dict[str, str]:
    return {kind: role for role, names in kinds.items() for kind in names.split()}


_C = re.compile
_NEVER = _C(r"(?!)")

_PYTHON = Dialect(
    roles=_roles(
        function="function_definition",
        scope="class_definition",
        mark="decorator",
        block="block",
        condition="if_statement elif_clause while_statement",
        loop="for_statement",
        attempt="try_statement",
        handler="except_clause",
        context="with_statement",
        jump="return_statement raise_statement break_statement continue_statement",
        judgement="assert_statement",
        call="call",
        assignment="assignment delete_statement",
        error="ERROR",
    ),
    declares=_C(r"def\s+(\w+)"),
    tests=_C(r"^test"),
    asserts=_C(
        r"(?:^|\.)(?:assert\w*|fail\w*|raises(?:_group)?|warns|deprecated_call|check_\w+)$"
        r"|\.(?:to_be|to_have|is_equal|is_true)\w*$"
    ),
    weak=_C(
        r"assert(?:True|False|_|IsNotNone|NotEqual|I[ns]|Not|Greater|Less|Almost|Regex)\w*$"
        r"|\.assert_(?:called|called_once|any_call)$|\.fail$"
    ),
    skips=_C(
        r"(?:^|[.@\s=(,])(?:skip\w*|xfail|expectedFailure|importorskip|SkipTest|skipTest)\b"
        r"|^@\w*skip\w*|__test__\s*=\s*False|^if\b"
    ),
    ends=_C(r"^(?:os\.(?:_exit|abort)|_exit|(?:sys|pytest)?\.?exit|quit|SystemExit|atexit\.\w+)$"),
    broad=_C(r"except\s*\*?\s*:|\b(?:BaseException|Exception|AssertionError)\b"),
)
_SCRIPT = Dialect(
    roles=_roles(
        function="function_declaration generator_function_declaration method_definition"
        " function_expression arrow_function",
        block="statement_block",
        condition="if_statement while_statement ternary_expression",
        loop="for_in_statement for_statement",
        attempt="try_statement",
        handler="catch_clause",
        jump="return_statement throw_statement break_statement continue_statement",
        call="call_expression",
        statement="expression_statement",
        assignment="variable_declarator assignment_expression",
        error="ERROR",
    ),
    declares=_C(
        r"(?:function\b\s*\*?\s*|^(?:async\s+|static\s+|\*\s*)*)(?!async\b)([\w$#]+)\s*[(<]"
    ),
    tests=_C(
        r"(?:^|\.)(?:[fxi]?it|[fx]?test|x?specify|[fx]?describe|x?context|suite|bench)"
        r"(?:\.\w+)*$|^\(.*\b(?:it|test|describe)\b"
    ),
    asserts=_C(
        r"(?:^|\.)assert\b|^expect\.(?:assertions|hasAssertions|unreachable)$|(?:^|\.)fail$|\.should\.|^(?:t|tap)\.(?!plan|skip|todo|test|d)\w+$"
    ),
    weak=_C(
        r"(?:^|\.)not\.|\bto(?:BeTruthy|BeFalsy|BeDefined|BeUndefined|MatchObject|Contain\w*|"
        r"BeCloseTo|HaveBeenCalled|BeGreater\w+|BeLess\w+|BeInstanceOf|HaveProperty|BeNaN)$"
        r"|(?:^|\.)(?:assert|ok|truthy|falsy|exist|exists|isOk|include|includes|match|isTrue|"
        r"closeTo|instanceOf|a|an|above|below|least|most|isDefined|isNotNull|notEqual|"
        r"notStrictEqual|notDeepEqual|throws|doesNotThrow)$"
    ),
    skips=_C(
        r"(?:^|\.)x(?:it|test|describe|context|specify)\b"
        r"|\.(?:skip|todo|fails|failing|skipIf|runIf|fixme|pending)\b|^pending$|^(?:if\b|\?)"
        r"|\b(?:skip|todo)\s*:\s*(?!false)"
    ),
    ends=_C(r"^process\.(?:exit|exitCode|abort|kill|reallyExit|on|once)$"),
    broad=_C(r""),
)
_GO = Dialect(
    roles=_roles(
        function="function_declaration method_declaration func_literal",
        block="block",
        condition="if_statement",
        loop="for_statement",
        jump="return_statement break_statement continue_statement goto_statement",
        call="call_expression",
        assignment="short_var_declaration var_spec assignment_statement",
        error="ERROR",
    ),
    declares=_C(r"func\s+(?:\(\s*(?:\w+\s+)?\*?(\w+)[^)]*\)\s*)?(\w+)"),
    tests=_C(r"^(?:Test|Fuzz|Example|Benchmark)(?![a-z])"),
    asserts=_C(
        r"^\w+\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)$"
        r"|^(?:require|assert|is|qt|c|s|suite|must|r|a|s\.Require\(\))\."
        r"(?:Assert|Check|No|Not|Equal|True|False|Nil|Error|Contains|Len|Empty|Panics|Zero|Same|"
        r"JSON|In|Greater|Less|Elements|Subset|Eventually|Regexp|Implements|IsType|File|Dir)\w*$"
        r"|(?:^|\.)(?:panic|(?:[mM]ust|[rR]equire|[aA]ssert|[cC]heck|[eE]xpect|[vV]erify|test)\w*)$"
    ),
    weak=_C(
        r"\.(?:Not\w*|True|False|NoError|Error|Contains\w*|Greater\w*|Less\w*|In\w+|Elements\w*|"
        r"Subset|Implements|IsType|Panics|Regexp)f?$"
    ),
    skips=_C(r"^\w+\.(?:Skip|Skipf|SkipNow)$|go:build|\+build"),
    ends=_C(r"^(?:os\.Exit|syscall\.(?:Exit|Kill)|runtime\.Goexit|log\.Fatal\w*)$"),
    broad=_NEVER,
)
_RUST = Dialect(
    roles=_roles(
        function="function_item closure_expression",
        scope="mod_item impl_item",
        mark="attribute_item",
        block="block",
        condition="if_expression while_expression",
        loop="for_expression",
        jump="return_expression break_expression continue_expression",
        call="call_expression macro_invocation",
        assignment="let_declaration const_item static_item",
        error="ERROR",
    ),
    declares=_C(r"fn\s+(\w+)"),
    tests=_C(r"^#\[\s*(?:\w+\s*::\s*)*(?:test|rstest|test_case|\w+_test|quickcheck|test_log)\b"),
    asserts=_C(
        r"(?:^|::)(?:(?:prop_|debug_)?assert\w*|panic|unreachable|bail|ensure|check|expect_\w+)$"
    ),
    weak=_C(
        r"(?:^|::)(?:assert|debug_assert\w*|prop_assert|assert_ne|assert_matches|assert_\w*(?:gt|lt|ge|le))$"
    ),
    skips=_C(r"\bignore\b|#!?\[\s*cfg(?:_attr)?\s*\((?!\s*test\s*\))"),
    ends=_C(r"(?:^|::)process::(?:exit|abort)$|^(?:exit|abort)$"),
    broad=_C(r""),
)
_JAVA = Dialect(
    roles=_roles(
        function="method_declaration lambda_expression",
        scope="class_declaration interface_declaration record_declaration enum_declaration",
        mark="annotation marker_annotation",
        block="block",
        condition="if_statement while_statement",
        loop="enhanced_for_statement for_statement",
        attempt="try_statement try_with_resources_statement",
        handler="catch_clause",
        jump="return_statement throw_statement break_statement continue_statement",
        judgement="assert_statement",
        call="method_invocation",
        assignment="variable_declarator",
        error="ERROR",
    ),
    declares=_C(r"([\w$]+)\s*\("),
    tests=_C(
        r"^@(?:[\w.]+\.)?(?:\w*Test|TestFactory|TestTemplate|Property|Theory|Example)\b|^test[A-Z]"
    ),
    asserts=_C(r"(?:^|\.)(?:assert\w*|fail|verify\w*|check\w+|expect\w*)$"),
    weak=_C(
        r"(?:^|\.)(?:assert(?:True|False|NotNull|NotEquals|NotSame|DoesNotThrow|Throws|InstanceOf)|"
        r"is(?:NotNull|NotEmpty|NotEqualTo|True|False|InstanceOf|GreaterThan\w*|LessThan\w*|"
        r"CloseTo|Positive|NotZero|NotBlank)|contains|startsWith|endsWith|anyMatch)$"
    ),
    skips=_C(
        r"@(?:[\w.]+\.)?(?:Disabled\w*|Ignore\w*|EnabledIf\w*|EnabledOn\w*)\b"
        r"|(?:^|\.)(?:assume\w*|assumingThat)$|^@Test\b.*\benabled\s*=\s*false"
    ),
    ends=_C(r"^(?:System\.exit|Runtime\.getRuntime\(\)\.(?:halt|exit|addShutdownHook))$"),
    broad=_C(r"\b(?:Throwable|Error|AssertionError|AssertionFailedError)\b"),
)

DIALECTS = {
    "python": _PYTHON,
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "tsx": _SCRIPT,
    "go": _GO,
    "rust": _RUST,
    "java": _JAVA,
}
"""The dialects by the names of the languages that the parser knows."""
