"""Who is confined how, and what is said of limits and layers: pure functions."""

import pytest

from codex_orchestrator.model.confinement import Confinement, Limits, Network
from codex_orchestrator.model.confinement_policy import (
    HOME_TOOLS,
    confine_check,
    missing_layers,
    program_folders,
    reached_limit,
)

ENVIRON = {"PATH": "/usr/bin:bin:/opt/node/bin", "HOME": "/home/u", "XDG_CACHE_HOME": "/home/u/c"}


def check(**options) -> Confinement:
    return confine_check(
        **{"tree": "/w/tree", "log_folder": "/w/logs", "environ": ENVIRON} | options
    )


def test_a_check_writes_its_tree_and_its_log_folder_and_serves_itself():
    made = check()
    assert made.write == ("/w/tree", "/w/logs")
    assert made.network is Network.LOOPBACK
    assert made.home == "/home/u"


def test_variables_that_point_into_the_home_are_not_passed_on():
    assert set(check().environment) == {"PATH"}


def test_programs_on_the_path_can_be_read_with_what_was_installed_with_them():
    assert check().read == ("/usr/bin", "/opt/node/bin", "/opt/node")


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/opt/node/bin", "/opt/node"),
        ("/home/u/.pyenv/versions/3.12/bin", "/home/u/.pyenv/versions/3.12"),
        ("/home/u/.local/bin", "/home/u/.local/bin"),
        ("/home/u/bin", "/home/u/bin"),
        ("/home/bin", "/home/bin"),
        ("/opt/bin", "/opt/bin"),
        ("/bin", "/bin"),
        ("/opt/tools", "/opt/tools"),
    ],
)
def test_the_folder_above_programs_is_given_only_when_it_is_theirs(folder, expected):
    assert program_folders(folder, home="/home/u") == (expected,)


def test_tools_below_the_home_are_found_and_their_credentials_are_not():
    made = check(tools=[".cargo/bin", ".cargo/registry", ".rustup", ".m2/repository"])
    assert "/home/u/.rustup" in made.read
    assert made.caches == ("/home/u/.cargo/registry", "/home/u/.m2/repository")
    assert made.environment["RUSTUP_HOME"] == "/home/u/.rustup"
    assert made.environment["CARGO_HOME"] == "/home/u/.cargo"
    assert "/home/u/.cargo" not in (*made.read, *made.caches)


@pytest.mark.parametrize(
    "secret",
    [
        *(".ssh", ".aws", ".config", ".netrc", ".npmrc", ".pypirc", ".docker", ".kube", ".gnupg"),
        *(
            ".cargo/credentials.toml",
            ".m2/settings.xml",
            ".gradle/gradle.properties",
            ".git-credentials",
        ),
        *(".local/share/keyrings", ".config/gcloud", ".config/gh/hosts.yml", ".codex/auth.json"),
        *(
            ".local/share/uv/credentials",
            ".cargo/config.toml",
            ".cargo/config",
            ".volta/hooks.json",
        ),
        *(".local/share/pnpm/global", ".nvm/.git", ".pyenv/.git", ".rbenv/.git", ".asdf/.git"),
        *(".gradle/init.d", ".gradle/init.gradle", ".sdkman/etc", ".config/mise", ".config/pip"),
        *(".local/share/mise/trusted-configs", ".yarnrc.yml", ".bundle/config", ".gem/credentials"),
    ],
)
def test_no_tool_brings_a_place_of_credentials(secret):
    given = [tool.folder for tool in HOME_TOOLS]
    assert not [folder for folder in given if f"{secret}/".startswith(f"{folder}/")]
    assert not [folder for folder in given if f"{folder}/".startswith(f"{secret}/")]


def test_what_a_variable_says_wins_and_brings_only_the_parts_without_credentials():
    made = check(environ={**ENVIRON, "CARGO_HOME": "/c", "GOPATH": "/g"}, tools=[".cargo/bin"])
    assert made.environment["CARGO_HOME"] == "/c"
    assert {"/c/bin", "/g/bin"} <= {*made.read}
    assert {"/c/registry", "/c/git", "/g/pkg/mod"} <= {*made.caches}
    assert not {"/c", "/c/config.toml", "/g"} & {*made.read, *made.caches}


def test_a_relative_variable_names_no_folder():
    assert "/g/bin" not in check(environ={**ENVIRON, "GOPATH": "g"}).read


@pytest.mark.parametrize("network", list(Network))
def test_names_can_be_looked_up_exactly_where_the_network_is_open(network):
    made = check(network=network)
    assert ("/etc/resolv.conf" in made.read) is (network is Network.OPEN)


@pytest.mark.parametrize(
    ("network", "in_force", "files", "missing"),
    [
        ("loopback", "loopback", True, ""),
        ("open", "open", True, ""),
        ("loopback", "open", True, "the network of a check is open, not loopback"),
        ("off", "loopback", True, "the network of a check is loopback, not off"),
        ("open", "open", False, "no layer keeps a check from our files and our memory"),
    ],
)
def test_what_is_missing_is_named(network, in_force, files, missing):
    found = missing_layers(Network(network), Network(in_force), contains_files=files)
    assert found == missing


LIMITS = Limits()._asdict()


@pytest.mark.parametrize(
    ("exit_code", "output", "limit"),
    [
        (-24, "", "limits.cpu_s"),
        (152, "", "limits.cpu_s"),
        (-25, "", "limits.file_bytes"),
        (153, "", "limits.file_bytes"),
        (1, "MemoryError", "limits.memory_bytes"),
        (1, "sh: 0: Cannot fork: Resource temporarily unavailable", "limits.processes"),
        (1, "OSError: [Errno 24] Too many open files", "limits.files"),
        (1, "write error: No space left on device", "limits.private_bytes"),
        (1, "dd: error writing 'x': File too large", "limits.file_bytes"),
        (0, "MemoryError", ""),
        (None, "MemoryError", ""),
        (1, "1 failed", ""),
    ],
)
def test_a_limit_that_seems_to_be_met_is_named(exit_code, output, limit):
    assert reached_limit(LIMITS, exit_code=exit_code, output=output) == limit


def test_a_limit_that_was_not_set_is_not_named():
    assert reached_limit({}, exit_code=1, output="MemoryError") == ""
