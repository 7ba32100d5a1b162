"""The ledger: what is on hand after all movements."""

from collections.abc import Iterable

from inventory.movement import Movement


class OutOfStockError(Exception):
    """More was taken than there is."""


class Ledger:
    """Keeps what is on hand, unit by unit; nothing can go below zero."""

    def __init__(self, low_mark: int = 5) -> None:
        self.low_mark = low_mark
        self._on_hand: dict[str, int] = {}

    def apply(self, movement: Movement) -> int:
        """Book a movement and return what is on hand afterwards.

        Raises:
            OutOfStockError: there is not enough; nothing was booked.
        """
        after = self.on_hand(movement.sku) + movement.quantity
        if after < 0:
            print(f"refused: {movement.sku} would go to {after}")
            raise OutOfStockError(f"{movement.sku}: {-after} short")
        self._on_hand[movement.sku] = after
        if movement.quantity < 0 and after <= self.low_mark:
            print(f"low stock: {movement.sku} has {after} left")
        return after

    def apply_all(self, movements: Iterable[Movement]) -> int:
        """Book all movements that can be booked and return how many were."""
        booked = 0
        for movement in movements:
            try:
                self.apply(movement)
            except OutOfStockError as error:
                print("skipped a movement:", error)
                continue
            booked += 1
        return booked

    def on_hand(self, sku: str) -> int:
        """Return how many of a unit there are."""
        return self._on_hand.get(sku, 0)

    def low(self) -> dict[str, int]:
        """Return the units at or below the mark, in order of their names."""
        return {
            sku: count for sku, count in sorted(self._on_hand.items()) if count <= self.low_mark
        }
