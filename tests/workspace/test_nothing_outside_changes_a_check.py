"""What is set on the machine of whoever starts a run hides no test and loads no other code."""

from pathlib import Path

import pytest

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.system.sandbox.probe import ask_launcher
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git_environ, write_files

PYTHON = "PYTEST_ADDOPTS PYTEST_PLUGINS PYTHONPATH PYTHONSTARTUP PYTHONHOME PYTHONWARNINGS"
PYTHON += " PYTHONINSPECT PYTHONOPTIMIZE PYTHONUSERBASE COVERAGE_PROCESS_START UV_PROJECT"
NODE = "NODE_OPTIONS NODE_TEST_CONTEXT NODE_PATH NODE_V8_COVERAGE MOCHA_OPTIONS VITEST JEST_WORKER"
NODE += " npm_config_ignore_scripts npm_config_script_shell npm_config_if_present"
NODE += " NPM_CONFIG_USERCONFIG npm_config_node_options npm_config_workspaces TS_NODE_PROJECT"
GO = "GOFLAGS GOWORK GOENV GOTOOLCHAIN GOEXPERIMENT GODEBUG GOTESTSUM_FORMAT"
JAVA = "MAVEN_OPTS MAVEN_ARGS MAVEN_CONFIG JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS"
JAVA += " GRADLE_OPTS GRADLE_USER_HOME CLASSPATH"
RUST = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER RUSTFLAGS RUSTDOCFLAGS RUST_TEST_THREADS"
RUST += " RUST_TEST_NOCAPTURE RUST_TEST_SHUFFLE CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS"
RUST += " CARGO_TARGET_DIR CARGO_BUILD_BUILD_DIR CARGO_ENCODED_RUSTFLAGS RUSTC RUSTC_WRAPPER"
RUST += " RUSTUP_TOOLCHAIN RUSTC_BOOTSTRAP NEXTEST_PROFILE"
SHELL = "MAKEFLAGS MAKEFILES MFLAGS GNUMAKEFLAGS BASH_ENV ENV SHELLOPTS BASHOPTS IFS CDPATH"
SHELL += " LD_PRELOAD LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES PERL5OPT RUBYOPT PROVE_OPTIONS"
HIDING = " ".join((PYTHON, NODE, GO, JAVA, RUST, SHELL)).split()

FILES = (
    *(".config/go/env", ".mavenrc", ".m2/settings.xml", ".m2/settings-security.xml", ".npmrc"),
    *(".config/pnpm/rc", ".yarnrc", ".yarnrc.yml", ".mocharc.json", ".node_modules/x/index.js"),
    *(".cargo/config.toml", ".cargo/config", ".config/nextest/config.toml", ".bashrc", ".profile"),
    *(".gradle/gradle.properties", ".gradle/init.d/skip.gradle", ".config/pip/pip.conf"),
    *(".pythonrc.py", ".pythonstartup", "pytest.ini", "setup.cfg", "conftest.py", "package.json"),
)


@pytest.fixture
def run(repo, scratch, tmp_path):
    """Run a script as a check, started where all of that is set; return what it printed."""
    environ = git_environ(tmp_path / "home") | dict.fromkeys(HIDING, "canary")
    home = Path(environ["HOME"])
    write_files(home, dict.fromkeys(FILES, "canary\n"))
    workspace = GitWorkspace(repo, clock=clock, environ=environ, scratch=scratch)

    def start(*argv):
        with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
            return workspace.run_check(
                tree.root,
                CheckCommand(name="test", argv=argv),
                log_dir=tmp_path / "logs",
                deadline_s=60,
            ).output_tail

    return start


def test_no_variable_that_changes_what_runs_reaches_a_check(run):
    said = run("env")
    assert "PATH=" in said
    names = {line.partition("=")[0] for line in said.splitlines() if "canary" in line}
    assert names == set()


def test_no_file_of_the_home_that_changes_what_runs_reaches_a_check(run, tmp_path):
    if not ask_launcher().contains_files:
        pytest.skip("nothing keeps a check from files here")
    home = tmp_path / "home"
    said = run("sh", "-c", f"cd {home}; cat {' '.join(FILES)} 2>/dev/null; echo end")
    assert said == "end\n"
