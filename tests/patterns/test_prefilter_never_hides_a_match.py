"""The prefilter may say "perhaps" in vain; it must never say "no" where a scan finds something."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.model.pattern import PatternKind
from codex_orchestrator.patterns.engine import find, parse
from codex_orchestrator.patterns.library import Library
from codex_orchestrator.patterns.prefilter import Need, needs_of
from codex_orchestrator.patterns.rule import Rule, RuleBody, parse_rules

PIECES = [
    "print(a)",
    "print ( a , b )",
    "x = eval (y)",
    "model.eval()",
    "if x==None: pass",
    "while None != x: pass",
    "z = not a in b",
    "class A( object ): pass",
    "class B:\n    def f(self):\n        super(B, self).f()",
    "try:\n    f()\nexcept:\n    pass",
    "subprocess.run(c, shell=True)",
    "os . system(c)",
    "from datetime import datetime",
    "t = datetime.utcnow()",
    "self.assertEquals(1, 1)",
    "s = 'print(a) eval(b) None'",
    "# print(a)",
    "éval(x)",
    "pri\\\nnt(a)",
    "y = 1if eval(x)else 2in z",
    "f'{print(a)}{not a in b}'",
]


def all_rules() -> list[Rule]:
    library = Library.open()
    return [
        rule
        for facts in library.assets
        if facts.kind is not PatternKind.TEMPLATE
        for rule in library.load(facts.id).rules
        if rule.language == "python"
    ]


RULES = all_rules()


@settings(max_examples=120, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=6))
def test_every_built_in_rule_finds_the_same_with_and_without(pieces: list[str]) -> None:
    text = "\n".join(pieces) + "\n"
    root = parse(text, "python")
    for rule in RULES:
        if find(root, rule):
            assert needs_of(rule).is_met_by(text), rule.id


def test_the_pieces_make_every_rule_match_somewhere() -> None:
    text = "\n".join(PIECES)
    silent = {rule.id for rule in RULES if not find(parse(text, "python"), rule)}
    assert len(silent) < len(RULES) / 2


WORDS = st.sampled_from(["a", "foo", "bar", "f(x)", "None", "not y", "[1, 2]", "'t'"])
BODIES = st.recursive(
    st.one_of(
        st.builds(lambda left, right: RuleBody(pattern=f"{left} == {right}"), WORDS, WORDS),
        st.builds(lambda word: RuleBody(pattern=word), WORDS),
        st.builds(lambda word: RuleBody(pattern=f"$F({word}, $$$R)"), WORDS),
        st.builds(
            lambda regex: RuleBody(kind="identifier", regex=regex),
            st.sampled_from(
                ["^foo$", "^(foo|bar)$", "fo+", "[fb]oo", "^f", "a?b", r"\bfoo\b", "."]
            ),
        ),
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda found: RuleBody(any=tuple(found)), st.lists(inner, min_size=1, max_size=3)
        ),
        st.builds(
            lambda found: RuleBody(all=tuple(found)), st.lists(inner, min_size=1, max_size=2)
        ),
        st.builds(
            lambda found: RuleBody.model_validate(
                {"kind": "call", "has": {**found.config(), "stopBy": "end"}}
            ),
            inner,
        ),
        st.builds(
            lambda found: RuleBody.model_validate({"kind": "identifier", "not": found.config()}),
            inner,
        ),
        st.builds(
            lambda found: RuleBody.model_validate(
                {"kind": "identifier", "inside": {**found.config(), "stopBy": "end"}}
            ),
            inner,
        ),
    ),
    max_leaves=4,
)
LINES = st.lists(
    st.builds("{0} == {1}\ng({0}, {1})\nfoo = a".format, WORDS, WORDS), min_size=1, max_size=4
)


@settings(max_examples=250, deadline=None)
@given(body=BODIES, lines=LINES)
def test_every_rule_that_can_be_made_finds_the_same(body: RuleBody, lines: list[str]) -> None:
    text = "\n".join(lines)
    rule = Rule(id="any", language="python", rule=body)
    if find(parse(text, "python"), rule):
        assert needs_of(rule).is_met_by(text)


ALPHABET = st.text(alphabet="abo^$.*+?|()[]{}\\ ,12w", min_size=1, max_size=10)


def compiles(regex: str) -> bool:
    try:
        re.compile(regex)
    except (re.error, FutureWarning, OverflowError):
        return False
    return True


@settings(max_examples=600, deadline=None)
@given(regex=ALPHABET.filter(compiles), text=st.text(alphabet="abo12w. ,", max_size=8))
def test_words_taken_from_a_regular_expression_stand_in_every_match(regex: str, text: str) -> None:
    rule = Rule(id="any", language="python", rule=RuleBody(kind="identifier", regex=regex))
    found = re.search(regex, text)
    if found is not None:
        assert needs_of(rule).is_met_by(text)


@pytest.mark.parametrize(
    ("rule", "text", "is_met"),
    [
        ("{pattern: print($A)}", "printf(x)", False),
        ("{pattern: print($A)}", "reprint(x)", False),
        ("{pattern: print($A)}", "x;print(x)", True),
        ("{pattern: $A if $B else $C}", "1if x else 2", True),
        ("{pattern: f('tea')}", "f('\\ntea')", True),
        ("{kind: string_content, regex: ^tea$}", "'\\ntea'", True),
        ("{pattern: print($A)}", "log(x)", False),
        ("{any: [{pattern: a()}, {pattern: b()}]}", "b", True),
        ("{any: [{pattern: a()}, {kind: call}]}", "", True),
        ("{kind: identifier, regex: ^(tea|cup)$}", "cup", True),
        ("{kind: identifier, regex: ^(tea|cup)$}", "pot", False),
        ("{not: {pattern: tea}}", "", True),
        ("{pattern: {context: 'class A: tea = 1', selector: assignment}}", "", True),
        ("{matches: part}", "", True),
    ],
)
def test_what_a_file_must_hold(rule: str, text: str, is_met: bool) -> None:
    parsed = parse_rules(f"id: x\nlanguage: python\nrule: {rule}\n", source="x")[0]
    assert needs_of(parsed).is_met_by(text) is is_met


def test_a_constraint_counts_where_its_variable_is_always_captured() -> None:
    text = "id: x\nlanguage: python\nrule: {pattern: $F($$$A)}\nconstraints: {F: {regex: ^eval$}}\n"
    assert needs_of(parse_rules(text, source="x")[0]) == Need(frozenset({"eval"}))
