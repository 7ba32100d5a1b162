"""Where a codemod's import and statement go, and when they must not go anywhere."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.patterns.codemod import apply_edits
from codex_orchestrator.patterns.files import SkipFile
from codex_orchestrator.patterns.imports import plan_additions

LOGGING = ("import logging",)
LOGGER = "logger = logging.getLogger(__name__)"


def added(text: str, *imports: str, statement: str = "", first_use: int | None = None) -> str:
    place = len(text) if first_use is None else first_use
    planned = plan_additions(text, imports=imports, statement=statement, first_use=place)
    return apply_edits(text, [], planned)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1\n", "import logging\n\nx = 1\n"),
        ("import os\nx = 1\n", "import logging\nimport os\nx = 1\n"),
        ("import abc\nimport os\n", "import abc\nimport logging\nimport os\n"),
        ("import abc\n", "import abc\nimport logging\n"),
        ("import abc", "import abc\nimport logging"),
        ("from a import b\n", "import logging\nfrom a import b\n"),
        ('"""Doc."""\n', '"""Doc."""\n\nimport logging\n'),
        ('"""Doc."""\nx = 1\n', '"""Doc."""\n\nimport logging\n\nx = 1\n'),
        ('"""Doc."""\n\nimport os\n', '"""Doc."""\n\nimport logging\nimport os\n'),
        (
            "from __future__ import annotations\nx = 1\n",
            "from __future__ import annotations\n\nimport logging\n\nx = 1\n",
        ),
        (
            '"""Doc."""\nfrom __future__ import annotations\n\nimport os\n',
            '"""Doc."""\nfrom __future__ import annotations\n\nimport logging\nimport os\n',
        ),
        (
            "#!/usr/bin/python\n# -*- coding: utf-8 -*-\nimport os\n",
            "#!/usr/bin/python\n# -*- coding: utf-8 -*-\nimport logging\nimport os\n",
        ),
        ("import os; import re\n", "import logging\nimport os; import re\n"),
        ("import abc; import re\n", "import abc; import re\nimport logging\n"),
        ("@wrap\ndef f(): pass\n", "import logging\n\n@wrap\ndef f(): pass\n"),
        ("import os\r\nx = 1\r\n", "import logging\r\nimport os\r\nx = 1\r\n"),
        ("import logging\n", "import logging\n"),
        ("import os, logging\n", "import os, logging\n"),
        ("import logging.handlers\n", None),
        ("import logging as log\n", "import logging as log\nimport logging\n"),
        ("def f(logging): pass\n", None),
        ("try:\n    import logging\nexcept ImportError:\n    pass\n", None),
        ("from a import b as logging\n", None),
        ("def f():\n    import logging\n", None),
        ("logging = 1\n", None),
        ("for logging in x: pass\n", None),
        ("x = [1 for logging in y]\n", None),
        ("def f():\n    global logging\n", None),
        ("match x:\n    case {**logging}: pass\n", None),
        ("def broken(:\n", None),
        ("", None),
    ],
)
def test_an_import_goes_to_its_place_or_nowhere(before: str, after: str | None) -> None:
    if after is None:
        with pytest.raises(SkipFile):
            added(before, *LOGGING)
    else:
        assert added(before, *LOGGING) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from datetime import datetime\n", "from datetime import datetime, timezone\n"),
        (
            "from datetime import (\n    date,  # é\n    datetime,\n)\n",
            "from datetime import (\n    date,  # é\n    datetime, timezone,\n)\n",
        ),
        (
            "from datetime import date, \\\n    datetime\n",
            "from datetime import date, \\\n    datetime, timezone\n",
        ),
        ("é = 1; from datetime import date\n", "é = 1; from datetime import date, timezone\n"),
        ("from datetime import *\n", "from datetime import *\nfrom datetime import timezone\n"),
        ("import datetime\n", "import datetime\nfrom datetime import timezone\n"),
        ("from datetime import timezone\n", "from datetime import timezone\n"),
        (
            "from datetime import timezone as tz\n",
            "from datetime import timezone as tz, timezone\n",
        ),
        ("from django.utils import timezone\n", None),
        ("from .datetime import x\n", "from datetime import timezone\nfrom .datetime import x\n"),
    ],
)
def test_a_name_joins_an_import_of_the_same_module(before: str, after: str | None) -> None:
    if after is None:
        with pytest.raises(SkipFile, match="'timezone' is already used"):
            added(before, "from datetime import timezone")
    else:
        assert added(before, "from datetime import timezone") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import logging\nx = 1\n", f"import logging\n\n{LOGGER}\n\nx = 1\n"),
        ("import logging\n\n\nx = 1\n", f"import logging\n\n{LOGGER}\n\n\nx = 1\n"),
        (f"import logging\n{LOGGER}\n", f"import logging\n{LOGGER}\n"),
        (
            "import logging\ntry:\n    import a\nexcept E:\n    a = None\nx = 1\n",
            f"import logging\ntry:\n    import a\nexcept E:\n    a = None\n\n{LOGGER}\n\nx = 1\n",
        ),
        (
            "import logging\nif T:\n    import a\nx = 1\n",
            f"import logging\nif T:\n    import a\n\n{LOGGER}\n\nx = 1\n",
        ),
        ("import logging\nlogger = None\n", None),
        ("import logging\nclass logger: pass\n", None),
        ("import logging; x = 1\n", None),
    ],
)
def test_a_statement_goes_below_the_imports_or_nowhere(before: str, after: str | None) -> None:
    if after is None:
        with pytest.raises(SkipFile):
            added(before, *LOGGING, statement=LOGGER)
    else:
        assert added(before, *LOGGING, statement=LOGGER) == after


def test_a_use_above_the_imports_is_refused() -> None:
    text = "if x:\n    import os\n    y = print(1)\n"
    with pytest.raises(SkipFile, match="above the imports"):
        added(text, *LOGGING, statement=LOGGER, first_use=text.index("print"))


STATEMENTS = st.lists(
    st.sampled_from(
        [
            "import os",
            "import abc, sys",
            "from re import (match,\n    search)",
            "x = 1",
            "# comment",
            "",
            "def f():\n    return 1",
            "if x:\n    import json",
            "try:\n    import a\nexcept ImportError:\n    a = None",
            "é = '😀'; y = 2",
            "@d\nclass A:\n    pass",
            "from __future__ import annotations",
            '"""text"""',
        ]
    ),
    max_size=7,
)


@settings(max_examples=300, deadline=None)
@given(statements=STATEMENTS, newline=st.sampled_from(["\n", "\r\n"]))
def test_the_result_is_the_same_program_with_the_additions(
    statements: list[str], newline: str
) -> None:
    text = newline.join("\n".join(statements).split("\n")) + newline
    try:
        before = ast.parse(text)
        compile(text, "text", "exec")
    except SyntaxError:
        return
    try:
        result = added(text, *LOGGING, statement=LOGGER)
    except SkipFile:
        return
    compile(result, "text", "exec")
    after = ast.parse(result)
    extra = {ast.dump(ast.parse(code).body[0]) for code in (*LOGGING, LOGGER)}
    kept = [ast.dump(node) for node in after.body if ast.dump(node) not in extra]
    assert kept == [ast.dump(node) for node in before.body]
    assert len(after.body) == len(before.body) + 2
    assert ast.get_docstring(after) == ast.get_docstring(before)
    places = [ast.dump(node) for node in after.body]
    assert places.index(ast.dump(ast.parse(LOGGING[0]).body[0])) < places.index(
        ast.dump(ast.parse(LOGGER).body[0])
    )
    if newline == "\r\n":
        assert "\n" not in result.replace("\r\n", "")
