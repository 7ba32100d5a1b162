import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from inventory.__main__ import main
from inventory.ledger import Ledger
from inventory.movement import Movement
from inventory.report import print_order_list


class ReportTest(unittest.TestCase):
    def test_the_order_list_goes_to_stdout(self) -> None:
        ledger = Ledger()
        ledger.apply(Movement("BOX-0042", 3, "delivery"))
        ledger.apply(Movement("CAN-0001", 30, "delivery"))
        stdout = io.StringIO()
        with contextlib.redirect_stdout(stdout):
            print_order_list(ledger)
        self.assertEqual(stdout.getvalue(), "BOX-0042\t17\n")


class CommandTest(unittest.TestCase):
    def test_a_file_of_movements_gives_an_order_list(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "movements.csv")
            path.write_text(
                "sku,quantity,reason\nBOX-0042,9,delivery\nCAN-0001,30,delivery\n"
                "BOX-0042,-1,order 7\nACE-0007,4,delivery\n",
                encoding="utf-8",
            )
            stdout = io.StringIO()
            with contextlib.redirect_stdout(stdout):
                self.assertEqual(main([str(path)]), 0)
        self.assertEqual(stdout.getvalue().splitlines()[-1], "ACE-0007\t16")

    def test_a_wrong_call_says_how_to_call(self) -> None:
        stderr = io.StringIO()
        with contextlib.redirect_stderr(stderr):
            self.assertEqual(main([]), 2)
        self.assertIn("usage:", stderr.getvalue())
