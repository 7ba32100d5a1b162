"""The order list. Printing it is its job: people pipe it into other programs."""

from inventory.ledger import Ledger


def print_order_list(ledger: Ledger, fill_to: int = 20) -> None:
    """Print one line for each low unit: the unit, a tab, how many to order."""
    for sku, count in ledger.low().items():
        print(f"{sku}\t{fill_to - count}")
