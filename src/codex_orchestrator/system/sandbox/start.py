"""The launcher's first line: a script, so that nothing but a file has to be named.

Run as `python -I -S start.py …`; see `main`. Kept small because a script is compiled each time.
"""

import os
import sys

if __name__ == "__main__":
    # At the end: a module beside this package must never be taken for one of the standard library.
    sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

    from codex_orchestrator.system.sandbox.main import main

    main(sys.argv[1:])
