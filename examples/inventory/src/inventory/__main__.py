"""`python -m inventory FILE`: print the order list for a CSV file of movements."""

import sys

from inventory.csv_import import read_movements
from inventory.ledger import Ledger
from inventory.report import print_order_list


def main(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m inventory FILE\n")
        return 2
    ledger = Ledger()
    with open(arguments[0], encoding="utf-8", newline="") as file:
        ledger.apply_all(read_movements(file))
    print_order_list(ledger)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
