"""A movement: goods that came in or went out."""

from dataclasses import dataclass

from inventory.sku import parse_sku


@dataclass(frozen=True)
class Movement:
    """One line of the ledger. A positive quantity came in, a negative one went out."""

    sku: str
    quantity: int
    reason: str


def parse_movement(row: dict[str, str]) -> Movement:
    """Read a movement from a row with the columns `sku`, `quantity` and `reason`.

    Raises:
        ValueError: says what is wrong with the row.
    """
    for column in ("sku", "quantity", "reason"):
        if not (row.get(column) or "").strip():
            raise ValueError(f"column {column!r} is missing or empty")
    quantity = int(row["quantity"])
    if quantity == 0:
        raise ValueError("a movement of nothing")
    return Movement(parse_sku(row["sku"]), quantity, row["reason"].strip())
