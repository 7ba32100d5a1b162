"""What is loaded in place of other code that is still there, by modules and by names of files."""

import pytest

from codex_orchestrator.model.check import CheckResult, CheckRun
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.pipeline.replaced_code import hidden_by, replaced_modules

Modules = dict[str, tuple[str, ...]]
BASE: Modules = {
    "greeter": ("src/greeter/__init__.py",),
    "greeter.words": ("src/greeter/words.py",),
    "handler": ("functions/a/handler.py", "functions/b/handler.py"),
    "conftest": ("tests/conftest.py",),
    "test_greeter": ("tests/test_greeter.py",),
    "__main__": ("src/greeter/cli.py",),
}


def run(modules: Modules) -> CheckRun:
    result = CheckResult(
        name="test",
        argv=("true",),
        status=ValidationStatus.PASSED,
        exit_code=0,
        duration_ms=0,
        log_path="",
    )
    return CheckRun(result, None, modules)


@pytest.mark.parametrize(
    ("now", "replaced"),
    [
        ({"greeter": ("tests/greeter.py",)}, {"tests/greeter.py": "src/greeter/__init__.py"}),
        (
            # A program that a test starts still finds the product.
            {"greeter": ("stubs/greeter.py", "src/greeter/__init__.py")},
            {"stubs/greeter.py": "src/greeter/__init__.py"},
        ),
        (
            {"greeter.words": ("src/greeter/words/__init__.py",)},
            {"src/greeter/words/__init__.py": "src/greeter/words.py"},
        ),
        (
            {"handler": ("functions/a/handler.py", "tests/handler.py")},
            {"tests/handler.py": "functions/b/handler.py"},
        ),
    ],
    ids=["another file", "another file in one process", "a package", "one of two"],
)
def test_a_file_that_a_module_newly_comes_from_is_found(
    now: Modules, replaced: dict[str, str]
) -> None:
    assert replaced_modules(run(BASE), run(BASE | now)) == replaced


@pytest.mark.parametrize(
    "now",
    [
        {},
        {"leave": ("src/leave.py",), "test_leave": ("tests/test_leave.py",)},
        {"conftest": ("tests/conftest.py", "tests/unit/conftest.py")},
        {"test_greeter": ("tests/unit/test_greeter.py",)},
        {"handler": (*BASE["handler"], "functions/c/handler.py")},
        {"__main__": ("src/greeter/other.py",)},
    ],
    ids=["nothing", "new modules", "conftest", "a moved test", "one more of many", "a program"],
)
def test_other_modules_replace_nothing(now: Modules) -> None:
    assert replaced_modules(run(BASE), run(BASE | now)) == {}


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("src/shop/__init__.py", "src/shop.py"),
        ("a/src/test/java/org/shop/Cart.java", "a/src/main/java/org/shop/Cart.java"),
        ("src/cart.js", "src/cart.ts"),
        ("src/cart.js", "src/cart/index.js"),
    ],
)
def test_a_file_whose_name_alone_hides_another_is_known(new: str, old: str) -> None:
    assert old in hidden_by(new)


@pytest.mark.parametrize(
    "new", ["src/shop.py", "src/cart.css", "src/cart.d.ts", "src/main/java/Cart.java", "go.go"]
)
def test_other_files_hide_nothing(new: str) -> None:
    assert list(hidden_by(new)) == []
