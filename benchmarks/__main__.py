"""`python -m benchmarks [QUESTION]...`: run all benchmarks or the named ones, each by itself."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUPPORT = {
    "__main__",
    "bare_sdk",
    "bare_tools",
    "benchlib",
    "cloud_driver",
    "guard_repo",
    "naive_guard",
}


def main(wanted: list[str]) -> int:
    """Run each question in a process of its own and return 1 when one of them missed its goal."""
    known = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in SUPPORT)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no such question: {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    missed = [
        name
        for name in wanted or known
        if subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False).returncode
    ]
    if missed:
        print(f"missed a goal, or broke: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
