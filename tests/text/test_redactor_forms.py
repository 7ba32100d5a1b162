"""The redactor masks a secret in every form, at every place, and changes nothing else."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.canaries import FORMS, Hunter

from codex_orchestrator.system.output import HELD_BACK, OutputLog
from codex_orchestrator.text.escapes import decode, decode_with_places
from codex_orchestrator.text.secrets import MASK, Redactor

CANARY = "Zk7/q+9vB=tR2-xW4_pL8&n<"
OTHERS = (
    "xK9mQ2pz",
    "p4ss-w0rd!",
    "grün-7Täler+92",
    'quo"te\\d-5ecret',
    "1f0e9d8c7b6a5f4e3d2c1b0a",
)

values = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=40
).filter(lambda value: len(set(value)) > 4 and len(re.sub("[^0-9A-Za-z]", "", value)) > 5)
forms = st.sampled_from(sorted(FORMS))
marks = st.sampled_from((b"", b"+", b"-", b"+        ", b"# ", b"> "))


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("value", [CANARY, *OTHERS])
def test_every_form_is_masked_and_the_hunt_finds_it_before(form: str, value: str) -> None:
    planted = b"before " + FORMS[form](value.encode()) + b" after"
    assert Hunter([value]).hunt(planted), "the hunt is blind to this form"
    redactor = Redactor([value])
    masked = redactor.redact_bytes(planted)
    assert not Hunter([value]).hunt(masked)
    assert masked.startswith(b"before ")
    assert masked.endswith(b" after")
    assert MASK.encode() in masked
    assert redactor.redact_bytes(masked) == masked


@given(values, forms, marks, st.binary(max_size=60), st.binary(max_size=60))
def test_no_secret_survives_whatever_stands_around_it(
    value: str, form: str, mark: bytes, before: bytes, behind: bytes
) -> None:
    lines = FORMS[form](value.encode()).split(b"\n")
    text = b"\n".join((before, *(mark + line for line in lines), behind))
    masked = Redactor([value]).redact_bytes(text)
    assert not Hunter([value]).hunt(masked)


@given(values, st.binary(max_size=400))
def test_bytes_without_the_secret_stay_as_they_are(value: str, data: bytes) -> None:
    if not Hunter([value]).hunt(data):
        assert Redactor([value]).redact_bytes(data) == data


@pytest.mark.parametrize(
    "text",
    [
        # Close to a secret of the same letters, and no form of it.
        "Zk7 q 9vB tR2 xW4 pL8 n",
        "zk7/q+9vb=tr2-xw4_pl8&n<",
        "Zk7/q+9vB=tR2-xW4_pL8&n",
        "100%25 of C:\\new\\table &amp; \\u0041 \x1b[31mred\x1b[0m",
        '{"a": "b\\nc", "d": "\\u00e9"}',
    ],
)
def test_what_only_looks_like_the_secret_is_left(text: str) -> None:
    assert Redactor([CANARY]).redact(text) is text


@pytest.mark.parametrize("form", ["raw", "base64 at 76", "hex, spaced", "over lines of a diff"])
@pytest.mark.parametrize("size", [1, 7, 4096, 65536])
@pytest.mark.parametrize("place", [0, HELD_BACK - 9, 2 * HELD_BACK - 3, 100_000])
def test_a_log_holds_no_secret_in_whatever_pieces_it_is_written(
    tmp_path, form: str, size: int, place: int
) -> None:
    text = (
        (b"some line of a log\n" * 8000)[:place] + FORMS[form](CANARY.encode()) + b"\n" + b"z" * 999
    )
    log = OutputLog(tmp_path / "log", limit=10**9, redact=Redactor([CANARY]).redact_bytes)
    step = size if size > 99 else max(size, len(text) // 2000)
    for at in range(0, len(text), step):
        log.feed(text[at : at + step])
    log.close()
    written = (tmp_path / "log").read_bytes()
    assert not Hunter([CANARY]).hunt(written)
    assert written.startswith((b"some line of a log\n" * 8000)[:place])
    assert written.endswith(b"\n" + b"z" * 999)


def test_a_log_full_of_secrets_holds_none(tmp_path) -> None:
    log = OutputLog(tmp_path / "log", limit=10**9, redact=Redactor([CANARY]).redact_bytes)
    text = CANARY.encode() * 5000
    for at in range(0, len(text), 1000):
        log.feed(text[at : at + 1000])
    log.close()
    assert set((tmp_path / "log").read_bytes()) == {ord("*")}


TOKENS = {
    "GitHub token": [
        "ghp_" + "a1B2c3D4e5" * 4,
        "ghs_" + "A1b2C3d4E5" * 4,
        "github_pat_" + "a1B2" * 20,
    ],
    "API key that begins with sk-": ["sk-" + "a1B2c3D4" * 6, "sk-proj-" + "a1B2c3D4" * 8 + "-_x"],
    "AWS access key": ["AKIA" + "Q7R2" * 4],
    "Slack token": ["xox" + "b-123456789012-abcdefABCDEF"],
    "Vault token": ["hvs." + "CAESIa1B2c3" * 4],
    "JSON web token": ["eyJ" + "hbGciOiJI." + "eyJ" + "zdWIiOiIx." + "a1B2c3D4e5_-x" * 3],
    "GitLab token": ["glpat-" + "a1B2c3D4e5" * 2],
    "npm token": ["npm_" + "a1B2c3D4e5f6" * 3],
    "PyPI token": ["pypi-" + "AgEIcHlwaS5vcmc" * 4],
    "Google API key": ["AIza" + "Sy_-a1B" * 5],
}


@pytest.mark.parametrize(
    ("kind", "token"), [(kind, one) for kind in TOKENS for one in TOKENS[kind]]
)
def test_a_token_of_a_known_shape_is_masked_and_named(kind: str, token: str) -> None:
    redactor = Redactor()
    assert redactor.redact(f"with {token}, then") == f"with {MASK}, then"
    assert redactor.redact(f'{{"x":"\\n{token}"}}') == f'{{"x":"\\n{MASK}"}}'
    assert redactor.names_in(token.encode()) == (kind,)
    redactor.leave([token])
    assert redactor.redact(token) == token


def test_a_private_key_is_masked_between_its_first_and_last_line() -> None:
    lines = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 2] * 5 + ["a1B2c3=="]
    first, last = "-----BEGIN PRIVATE " + "KEY-----", "-----END PRIVATE " + "KEY-----"
    for between in ("\n", "\n+", "\\n", "\r\n"):
        key = between.join((first, *lines, last))
        masked = Redactor().redact(f"a {key} b")
        assert masked.startswith(f"a {first}{between}{MASK}")
        assert masked.endswith(f"{last} b")
        assert not [line for line in lines if line in masked]


@pytest.mark.parametrize(
    "text",
    [
        "task-force-of-twenty-people-and-more sk-learn-style-guide-of-the-team",
        "AKIAIOSFODNN7EXAMPLE is the key of the documentation",
        "-----BEGIN PRIVATE " + "KEY-----\n...\n-----END PRIVATE " + "KEY-----",
        "high_ghp_ npm_config_registry pypi-attestations-0.0.28 xoxo-xoxo eyJ glpat-",
    ],
)
def test_plain_text_is_no_token(text: str) -> None:
    assert Redactor().redact(text) is text


HOSTILE = [
    b"sk-",
    b"eyJ",
    b"eyJ-",
    b"eyJaaaaaaaa.",
    b"ghp_github_pat_",
    b"-----BEGIN PRIVATE " + b"KEY-----\n+",
    b"-----BEGIN A ",
    b"+",
    b"\x1b[0;",
    b"\x1b]",
    b"\\\\u00",
    b"%25",
    b"&#38;",
    b"Zk7 ",
    b"Zk7\n\n\n",
    b"\n",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_text_that_is_made_to_be_slow_to_search_is_searched_in_the_time_of_a_test(
    unit: bytes,
) -> None:
    text = unit * (500_000 // len(unit))
    redactor = Redactor([CANARY, "Zk7Zk7Zk7Zk7Zk7Zk7", "+-+-+-+-", "sk-sk-sk-sk-"])
    redactor.redact_bytes(b"-----BEGIN PRIVATE " + b"KEY-----\n" + text)
    redactor.redact_bytes(text)


ESCAPES = (
    *("\\", "\\\\", "\\n", "\\x", "\\x5c", "\\u005c", "\\u{25}", "\\U00000041", "\\134", "\\e"),
    *("%", "%25", "%5C", "%5c", "&", "&amp;", "&#92;", "&#x25;", "&lt;", ";", "41", "a", "n"),
    *("\x1b[31m", "\x1b[", "\x1b]", "\x07", "\u200b", "\u00ad", "\ufeff", "│", '"', "\n"),
)


@given(
    st.lists(st.sampled_from(ESCAPES), max_size=12).map("".join), st.sampled_from((b"", b"\xff"))
)
def test_decoding_quickly_and_with_places_comes_to_the_same(text: str, end: bytes) -> None:
    data = text.encode() + end
    assert decode(data) == decode_with_places(data).data


@pytest.mark.parametrize("escape", ["\\", "\\\\", "\\n", "%", "%25", "%5C", "&", "&amp;"])
def test_a_text_of_nothing_but_escapes_takes_few_calls(escape: str) -> None:
    """Each would be a call of Python: a megabyte of them would take a second."""
    data = (escape * 4000 + "a").encode()
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        Redactor([CANARY]).redact_bytes(data)
    finally:
        sys.setprofile(None)
    assert calls < 2000


@pytest.mark.parametrize("value", [CANARY, "1f0e9d8c7b6a5f4e3d2c1b0a"])
@pytest.mark.parametrize(
    "between",
    [
        *(
            "\n// ",
            "\n; ",
            "\n% ",
            "\n-- ",
            "\n│ ",
            " │\n│ ",
            "\n<!-- ",
            " -->\n",
            "\n;;; ",
            "\n//! ",
        ),
        *(
            "//",
            ";",
            "%",
            "│",
            " ; ",
            " | ",
            " → ",
            '" . "',
            "\t",
            "$",
            "~",
            " && ",
            "·",
            "{}",
            "...",
        ),
        *("\n 12: ", "\n12\t", "\n   7 | ", "\n101 │ ", "\n3) "),
        *("\n+        ", "\n-            // ", "\n+         +        ", "\n>  - -  - "),
    ],
)
def test_a_value_is_masked_whatever_stands_between_its_parts(value: str, between: str) -> None:
    parts = [value[at : at + 5] for at in range(0, len(value), 5)]
    text = f"before {between.join(parts)} after"
    masked = Redactor([value]).redact(text)
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert MASK in masked
    assert not any(part in masked for part in parts[1:-1])


def test_a_line_number_counts_up_and_each_part_is_masked() -> None:
    value = "1f0e9d8c7b6a5f4e3d2c1b0a"
    lines = [f"{number}: {value[number * 4 : number * 4 + 4]}" for number in range(6)]
    assert Redactor([value]).redact("\n".join(["listing", *lines, "end"])).count("0: ***") == 1


def test_a_short_value_that_stands_apart_on_one_line_is_left() -> None:
    assert Redactor(["foobar12"]).redact("foo, bar: 12") == "foo, bar: 12"
