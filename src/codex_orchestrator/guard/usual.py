"""The usual shape of front matter, read by one expression over bytes: most specs, in microseconds.

It knows the keys and the notation that `spec new` and `guard accept` write, in any order. At
anything else it gives up and the scanner decides; a property test holds both to one answer.
"""

import re

from codex_orchestrator.guard.facts import MAX_GLOBS, ApprovalFacts, RawFacts

# Keys tell the lines apart, no value can end in two ways, and `(?(1)(?!)|…)` lets each key come
# once: nothing is tried twice, so a hostile file costs its length.
_TYPED = r"(?!(?i:true|false|null)[\n,}])"
_WORD = _TYPED + r"[A-Za-z0-9_.][A-Za-z0-9_./-]*"
_NAME = r'"[A-Za-z0-9@_./-]+(?: [A-Za-z0-9@_./-]+)*"'
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TITLE = r"[A-Za-z0-9_][A-Za-z0-9 _./*(),;'!?&+=@\"-]*|\"[ !#-\[\]-~]*\""
_OWNERS = rf" \[(?:{_NAME}(?:, {_NAME})*)?\]\n|\n(?:  - {_NAME}\n)+"
_ROLE_BY_ON = r"  - \{{role: {0}{1}), by: {0}{2}|{1}), on: {0}{3})\}}\n"
_APPROVAL = _ROLE_BY_ON.format("(?:", _WORD, _NAME, _DAY)
# No part of a glob can be empty, `.` or `..`: such globs are the scanner's to judge.
_PART = r"\.?[A-Za-z0-9_*-][A-Za-z0-9_*.-]*"
_PARTS = rf"{_PART}(?:/{_PART})*"
_GLOB = rf"(?:\"{_PARTS}\"|{_TYPED}(?![*-]){_PARTS})"
_USUAL = (
    r"---\n(?:"
    rf"(?(1)(?!)|id: ({_WORD})\n)"
    rf"|(?(2)(?!)|title: ({_TITLE})\n)"
    r"|(?(3)(?!)|status: (approved|draft|superseded)\n)"
    rf"|(?(4)(?!)|last_review: ({_DAY})\n)"
    rf"|(?(5)(?!)|owners:({_OWNERS}))"
    rf"|(?(6)(?!)|approvals:( \[\]\n|\n(?:{_APPROVAL})+))"
    rf"|(?(7)(?!)|paths:( \[\]\n|\n(?:  - {_GLOB}\n)+))"
    r")+---\n"
)
_STATUS, _REVIEW, _APPROVALS, _PATHS = 3, 4, 6, 7
_SHORTEST = len(" []\n")
_match = re.compile(_USUAL.encode()).match
# What is signed was matched above, so this one may be loose: names hold no quote and no comma.
_signed = re.compile(r'role: ([^,]+), by: "?([^",]+)"?, on: ([^}]+)').findall
_LONGEST_GLOB = 1000


def usual_facts(head: bytes) -> RawFacts | None:
    """Return the facts of a file that starts in the usual way; None when the scanner must look."""
    found = _match(head)
    if found is None:
        return None
    spec_id, _, status, review, _, approvals, paths = found.groups(b"")
    if not review:
        return None
    globs: tuple[str, ...] = ()
    if len(paths) > _SHORTEST:
        globs = tuple(paths[5:-1].decode().replace('"', "").split("\n  - "))
        is_long = len(paths) > _LONGEST_GLOB
        if is_long and (len(globs) > MAX_GLOBS or max(map(len, globs)) > _LONGEST_GLOB):
            return None
    count, start = head.count, found.start
    signed: tuple[ApprovalFacts, ...] = ()
    if len(approvals) > _SHORTEST:
        line = count(b"\n", 0, start(_APPROVALS)) + 2
        found_signed = enumerate(_signed(approvals.decode()), line)
        signed = tuple([(*role_by_on, number) for number, role_by_on in found_signed])
    return (
        "",
        0,
        spec_id.decode(),
        status.decode(),
        count(b"\n", 0, start(_STATUS)) + 1 if status else 0,
        review.decode(),
        count(b"\n", 0, start(_REVIEW)) + 1,
        0,
        globs,
        count(b"\n", 0, start(_PATHS)) + 1 if paths else 0,
        signed,
        tuple([glob.partition("*")[0].rstrip("/") for glob in globs]),
        (),
    )
