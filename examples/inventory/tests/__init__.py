"""The tests of inventory."""

import sys
from pathlib import Path

# The tests run on the sources as they lie here, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
