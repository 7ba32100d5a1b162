"""The demo is the first thing that people see; it checks itself and must stay as it says."""

import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    home = tmp_path_factory.mktemp("home")
    return subprocess.run(
        [sys.executable, str(DEMO), str(tmp_path_factory.mktemp("demo"))],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"},
    )


def test_the_demo_runs_with_an_empty_environment(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stdout[-3000:] + demo.stderr[-3000:]


@pytest.mark.parametrize(
    "shown",
    [
        "+logger = logging.getLogger(__name__)",
        "passed (exit 0)",
        "manifest.json",
        '"manifest_sha256"',
        "test_the_order_list_goes_to_stdout",
    ],
)
def test_the_demo_shows_what_it_promises(
    demo: subprocess.CompletedProcess[str], shown: str
) -> None:
    assert shown in demo.stdout
