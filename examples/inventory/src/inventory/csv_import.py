"""Movements from CSV text."""

import csv
from collections.abc import Iterable, Iterator

from inventory.movement import Movement, parse_movement


def read_movements(lines: Iterable[str]) -> Iterator[Movement]:
    """Yield the movements of a CSV file; bad rows are reported and left out."""
    reader = csv.DictReader(lines)
    for row in reader:
        try:
            yield parse_movement(row)
        except ValueError as error:
            print(f"line {reader.line_num}: {error}")
