import os

from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.system.environment import child_environment

SECRETS = {
    "OPENAI_API_KEY": "k",
    "GITHUB_TOKEN": "t",
    "AWS_SECRET_ACCESS_KEY": "a",
    "LC_SECRET": "l",
    "GITHUB_OUTPUT": "/o",
    "GITHUB_ENV": "/e",
    "LD_PRELOAD": "/evil.so",
    "PYTHONPATH": "/evil",
    "GIT_DIR": "/evil",
}


def test_only_listed_names_reach_a_command():
    kept = child_environment(
        SECRETS | {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "VIRTUAL_ENV": "/v"}
    )
    assert kept == {
        "PATH": "/bin",
        "HOME": "/h",
        "LC_ALL": "C",
        "VIRTUAL_ENV": "/v",
        "LANG": "C.UTF-8",
    }


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_names_of_secrets_never_pass(environ):
    kept = child_environment(environ | SECRETS)
    assert not set(kept) & set(SECRETS)


def test_relative_folders_leave_the_path():
    path = os.pathsep.join(["", ".", "/bin", "node_modules/.bin", "/usr/bin"])
    assert child_environment({"PATH": path})["PATH"] == "/bin:/usr/bin"
