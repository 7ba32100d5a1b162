import unittest

from inventory.csv_import import read_movements
from inventory.movement import Movement


class CsvImportTest(unittest.TestCase):
    def test_rows_become_movements(self) -> None:
        lines = ["sku,quantity,reason\n", "box-0042,12,delivery\n", "BOX-0042,-4,order 7\n"]
        self.assertEqual(
            list(read_movements(lines)),
            [Movement("BOX-0042", 12, "delivery"), Movement("BOX-0042", -4, "order 7")],
        )

    def test_bad_rows_are_left_out(self) -> None:
        lines = [
            "sku,quantity,reason\n",
            "BOX-0042,twelve,delivery\n",
            "BOX-0042,0,nothing\n",
            "BOX,1,delivery\n",
            "BOX-0042,1,\n",
            "CAN-0001,5,delivery\n",
        ]
        self.assertEqual(list(read_movements(lines)), [Movement("CAN-0001", 5, "delivery")])
