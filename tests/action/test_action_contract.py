"""`action.yml` and the code behind it agree, and neither lets text of strangers into a shell."""

import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from codex_orchestrator.action.inputs import COMMANDS, OUTPUTS, read_inputs
from support.act import ROOT, read_outputs

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in ACTION["runs"]["steps"]}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
A_COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAMED_IN_THE_INTERFACE = {
    "inputs": "command task mode model builder base fail-on post catalog require-artifact "
    "vault-url vault-role vault-path github-token working-directory python-version package-spec",
    "outputs": "verdict exit-code run-id mode findings manifest-path manifest-sha256 artifact-id "
    "artifact-digest posted comment-url synced",
}


@pytest.fixture(scope="module")
def documented(tmp_path_factory) -> Path:
    """The workflows in the documents, as people would paste them, with a commit filled in."""
    folder = tmp_path_factory.mktemp("documented") / "workflows"
    folder.mkdir()
    for path in (ROOT / "docs" / "action.md", ROOT / "README.md"):
        blocks = re.findall(r"```yaml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
        for number, block in enumerate(block for block in blocks if "\njobs:" in block):
            text = block.replace("<commit>", A_COMMIT)
            (folder / f"{path.stem}-{number}.yml").write_text(text, encoding="utf-8")
    return folder


def workflow_files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.yml"))
    assert found
    return [*WORKFLOWS, *found]


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


@pytest.mark.parametrize("part", NAMED_IN_THE_INTERFACE)
def test_every_promised_name_is_there(part):
    assert set(NAMED_IN_THE_INTERFACE[part].split()) <= set(ACTION[part])


def test_every_input_reaches_a_step():
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert [name for name in ACTION["inputs"] if f"inputs.{name} }}}}" not in text] == []


def test_every_step_output_that_is_read_is_one_that_the_code_declares():
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    read = set(re.findall(r"steps\.(?:work|finish)\.outputs\.([a-z0-9-]+)", text))
    assert read <= OUTPUTS
    assert read >= OUTPUTS


def test_no_expression_stands_in_a_script():
    scripts = [step["run"] for step in STEPS.values() if "run" in step]
    assert len(scripts) == 4
    assert not [script for script in scripts if "${{" in script]


def test_the_step_that_starts_agents_gets_no_token():
    assert "token" not in str(STEPS["work"]).lower()
    assert "GITHUB_TOKEN" in STEPS["finish"]["env"]
    assert "GITHUB_TOKEN" in STEPS["approver"]["env"]
    assert list(STEPS).index("approver") < list(STEPS).index("work")


def test_every_action_that_is_used_is_pinned_to_a_commit_with_its_version(documented):
    for path in (ROOT / "action.yml", *workflow_files(documented)):
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := re.search(r"uses: ([^\s./]\S+)(.*)", line):
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", match[1]), (path, line)
                assert re.search(r"# \S+", match[2]), (path, line)


def test_extras_that_the_action_installs_exist():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    known = set(declared["project"]["optional-dependencies"])
    named = {
        extra
        for text in re.findall(r"extras='\[([a-z,]+)\]'", STEPS["install"]["run"])
        for extra in text.split(",")
    }
    assert named
    assert named <= known


def test_the_description_of_command_names_every_command():
    assert all(name in ACTION["inputs"]["command"]["description"] for name in COMMANDS)


def test_the_defaults_are_accepted(tmp_path):
    environment = {
        f"INPUT_{name.upper().replace('-', '_')}": str(facts["default"])
        for name, facts in ACTION["inputs"].items()
    }
    inputs = read_inputs({**environment, "INPUT_WORKING_DIRECTORY": str(tmp_path)})
    assert (inputs.command, inputs.fail_on, inputs.must_have_artifact) == (
        "guard",
        "findings",
        True,
    )


def bash_steps() -> list[Any]:
    found = []
    for path in (ROOT / "action.yml", *WORKFLOWS):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        jobs = [document["runs"]] if "runs" in document else document["jobs"].values()
        for job in jobs:
            for number, step in enumerate(job.get("steps", ())):
                if "run" in step:
                    found.append(pytest.param(step["run"], id=f"{path.name}-{number}"))
    return found


@pytest.mark.parametrize("script", bash_steps())
def test_every_script_passes_shellcheck(script):
    done = subprocess.run(
        [program("shellcheck"), "--shell=bash", "-"], input=script, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_zizmor_has_nothing_to_say(documented):
    done = subprocess.run(
        [program("zizmor"), "--offline", "--no-progress", "--persona", "auditor", "--config",
         str(ROOT / ".github" / "zizmor.yml"), "action.yml", ".github",
         *map(str, sorted(documented.glob("*.yml")))],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-actions", [ROOT / "action.yml"]),
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
)
def test_files_have_the_form_that_github_expects(schema, paths):
    assert paths
    done = subprocess.run(
        [program("check-jsonschema"), "--builtin-schema", schema, *map(str, paths)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_in_the_documents_have_the_form_that_github_expects(documented):
    test_files_have_the_form_that_github_expects(
        "vendor.github-workflows", sorted(documented.glob("*.yml"))
    )


def test_workflows_grant_nothing_at_the_top_and_keep_no_credentials(documented):
    for path in workflow_files(documented):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert document["permissions"] == {}, path
        for job in document["jobs"].values():
            for step in job.get("steps", ()):
                if str(step.get("uses", "")).startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False, path


def install(tmp_path: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the step `install` with a Python that has the toolkit, and return how it ended."""
    environment = {
        "PATH": "/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path), "COMMAND": "run",
        "PACKAGE_SPEC": "", "ACTION_PATH": str(ROOT), "PYTHON": "",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }  # fmt: skip
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS["install"]["run"]],
        cwd=given.pop("cwd", tmp_path), env=environment | given, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def finish_step(tmp_path: Path, outputs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script of the step `finish` with what `install` set, up to the toolkit's help."""
    shell = STEPS["finish"]["shell"].removesuffix(" {0}").split()
    script = STEPS["finish"]["run"].replace("action finish", "action --help")
    names = {"TOOLKIT_PYTHON": "toolkit-python", "TOOLKIT_ROOTS": "roots"}
    names |= {"TOOLKIT_SEAL": "seal", "TOOLKIT_DIGEST": "digest"}
    environment = {name: outputs[output] for name, output in names.items()}
    return subprocess.run(
        [*shell, "-c", script], env={"RUNNER_TEMP": str(tmp_path), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def toolkit(tmp_path: Path) -> Path:
    """A Python of its own that has the toolkit; its files may be changed."""
    place = tmp_path / "toolkit"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    [packages] = place.glob("lib/python3*/site-packages")
    shutil.copytree(ROOT / "src" / "codex_orchestrator", packages / "codex_orchestrator")
    ours = sysconfig.get_paths()["purelib"]
    for name in ("click", "pydantic", "pydantic_core", "annotated_types", "typing_inspection"):
        shutil.copytree(Path(ours, name), packages / name)
    shutil.copy(Path(ours, "typing_extensions.py"), packages)
    return place


def test_a_python_that_has_the_toolkit_is_used_as_it_is_whatever_its_path(tmp_path):
    odd = tmp_path / 'it\'s "odd" $HOME `x`'
    odd.mkdir()
    python = odd / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    before = python.read_bytes()
    for _ in range(2):
        done = install(tmp_path, PACKAGE_SPEC=str(python), COMMAND="guard")
        assert done.returncode == 0, done.stderr
    assert python.read_bytes() == before
    done = finish_step(tmp_path, read_outputs((tmp_path / "output").read_text()))
    assert done.returncode == 0, done.stderr
    assert "finish" in done.stdout


CHANGES = {
    "a module of ours": ("lib/python*/site-packages/codex_orchestrator/action/finish.py", "x = 1"),
    "a module of a package": ("lib/python*/site-packages/click/core.py", "x = 1"),
    "a module that Python loads by itself": ("lib/python*/site-packages/sitecustomize.py", ""),
    "a line that Python runs by itself": ("lib/python*/site-packages/new.pth", "import os"),
    "where Python finds its library": ("pyvenv.cfg", "home = /nowhere"),
    "a module beside those of ours": ("lib/python*/site-packages/codex_orchestrator/re.py", ""),
    "a list of folders instead of the library": ("bin/python._pth", "/nowhere"),
    "where a build of Python has its library": ("bin/pybuilddir.txt", "/nowhere"),
    "the mark of a build of Python": ("bin/Modules/Setup.local", ""),
    "where Python finds its library, by its program": ("bin/pyvenv.cfg", "home = /nowhere"),
    "another library, by the program": ("bin/lib/python3/os.py", ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_last_step_runs_no_toolkit_that_changed_since_it_was_installed(
    toolkit, tmp_path, change
):
    done = install(tmp_path, PACKAGE_SPEC=str(toolkit / "bin" / "python"))
    assert done.returncode == 0, done.stderr
    outputs = read_outputs((tmp_path / "output").read_text())
    good = finish_step(tmp_path, outputs)
    assert good.returncode == 0, good.stdout + good.stderr
    pattern, text = CHANGES[change]
    folder, _, name = pattern.rpartition("/")
    [place] = toolkit.glob(folder) if "*" in folder else [toolkit / folder]
    place.mkdir(parents=True, exist_ok=True)
    file = place / name
    times = file.stat() if file.exists() else None
    with file.open("a") as stream:
        stream.write(text)
    if times:
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = finish_step(tmp_path, outputs)
    assert done.returncode == 3
    assert "::error::files of the toolkit changed" in done.stdout


@pytest.mark.parametrize("name", ["python._pth", "pybuilddir.txt", "Modules/Setup.local"])
def test_a_python_whose_library_a_file_beside_it_names_is_refused(toolkit, tmp_path, name):
    file = toolkit / "bin" / name
    file.parent.mkdir(exist_ok=True)
    library = os.path.dirname(os.__file__)
    packages = next(toolkit.glob("lib/python*/site-packages"))
    file.write_text(f"{library}\n{library}/lib-dynload\n{packages}\n" if "_pth" in name else "")
    done = install(tmp_path, PACKAGE_SPEC=str(toolkit / "bin" / "python"))
    assert done.returncode == 3, done.stderr
    assert f"::error::{file} tells Python where its library is" in done.stderr


def test_a_compiled_module_that_was_changed_is_not_loaded_by_the_last_step(toolkit, tmp_path):
    install(tmp_path, PACKAGE_SPEC=str(toolkit / "bin" / "python"))
    outputs = read_outputs((tmp_path / "output").read_text())
    [place] = toolkit.glob("lib/python*/site-packages/codex_orchestrator/action")
    source = tmp_path / "finish.py"
    source.write_text("raise SystemExit(77)\n")
    (place / "__pycache__").mkdir(exist_ok=True)
    facts = (place / "steps.py").stat()
    os.utime(source, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    cached = place / "__pycache__" / f"steps.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(
        str(source), str(cached), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    done = finish_step(tmp_path, outputs)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["venv", "pip", "logging", "encodings"])
def test_modules_of_the_checkout_are_not_run_while_the_toolkit_is_installed(tmp_path, name):
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    ran = tmp_path / "the-checkouts-module-ran"
    (checkout / f"{name}.py").write_text(f"open({str(ran)!r}, 'x')\n")
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$PWD $*" >> "{tmp_path}/calls"\nexec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    done = install(tmp_path, PYTHON=str(python), PACKAGE_SPEC="./none", cwd=str(checkout))
    assert not ran.exists(), done.stderr
    [call] = [line for line in (tmp_path / "calls").read_text().splitlines() if "-m venv" in line]
    assert not call.startswith(str(checkout))
    assert " -I -m venv " in call


@pytest.mark.parametrize("given", ["codex-orchestrator-toolkit==1.0", "wheels", "a/b"])
def test_a_file_of_the_checkout_cannot_stand_for_a_package(tmp_path, given):
    (tmp_path / given).mkdir(parents=True)
    done = install(tmp_path, PACKAGE_SPEC=given)
    assert done.returncode == 2
    assert "begin a path with ./" in done.stdout
