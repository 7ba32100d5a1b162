import unittest

from inventory.ledger import Ledger, OutOfStockError
from inventory.movement import Movement


class LedgerTest(unittest.TestCase):
    def test_movements_add_up(self) -> None:
        ledger = Ledger()
        ledger.apply(Movement("BOX-0042", 12, "delivery"))
        self.assertEqual(ledger.apply(Movement("BOX-0042", -4, "order 7")), 8)
        self.assertEqual(ledger.on_hand("BOX-0042"), 8)

    def test_nothing_goes_below_zero(self) -> None:
        ledger = Ledger()
        ledger.apply(Movement("BOX-0042", 3, "delivery"))
        with self.assertRaisesRegex(OutOfStockError, "BOX-0042: 2 short"):
            ledger.apply(Movement("BOX-0042", -5, "order 8"))
        self.assertEqual(ledger.on_hand("BOX-0042"), 3)

    def test_a_movement_that_cannot_be_booked_does_not_stop_the_others(self) -> None:
        ledger = Ledger()
        booked = ledger.apply_all(
            [
                Movement("BOX-0042", 3, "delivery"),
                Movement("CAN-0001", -1, "order 9"),
                Movement("BOX-0042", -1, "order 10"),
            ]
        )
        self.assertEqual(booked, 2)
        self.assertEqual(ledger.on_hand("BOX-0042"), 2)

    def test_low_units_come_in_order(self) -> None:
        ledger = Ledger(low_mark=2)
        for sku, count in (("CAN-0001", 1), ("BOX-0042", 2), ("ACE-0007", 9)):
            ledger.apply(Movement(sku, count, "delivery"))
        self.assertEqual(list(ledger.low().items()), [("BOX-0042", 2), ("CAN-0001", 1)])
