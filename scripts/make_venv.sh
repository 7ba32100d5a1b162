#!/usr/bin/env bash
# Make a virtual environment with the first interpreter that is new enough, or say what is missing.
set -euo pipefail

venv=$1
too_old="" no_venv=""

for name in ${CODEX_ORCHESTRATOR_PYTHON:-python3.13 python3.12 python3.11 python3.14 python3 python}; do
  "$name" -c '' 2>/dev/null || continue
  if ! "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    too_old+=" $name ($("$name" -c 'import platform; print(platform.python_version())'))"
    continue
  fi
  if ! "$name" -c 'import ensurepip, venv' 2>/dev/null; then
    no_venv+=" $name"
    continue
  fi
  echo "making $venv with $("$name" --version) ($name)"
  "$name" -m venv --clear "$venv"
  # An old interpreter's venv brings setuptools, whose .pth file runs code at every start.
  "$venv/bin/python" -m pip uninstall --quiet --yes setuptools 2>/dev/null
  exit 0
done

echo "no usable Python: 3.11 or newer with the venv module is needed." >&2
[ -z "$too_old" ] || echo "  too old:$too_old" >&2
[ -z "$no_venv" ] || echo "  without venv:$no_venv (Debian, Ubuntu: apt-get install python3-venv)" >&2
echo "  fix: install one, or name one: CODEX_ORCHESTRATOR_PYTHON=/path/to/python3 make ..." >&2
exit 1
