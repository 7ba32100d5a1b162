"""Stock-keeping units: three letters, a dash, four digits."""

import re

_FORM = re.compile(r"[A-Z]{3}-[0-9]{4}")


def parse_sku(text: str) -> str:
    """Return the unit in its normal form.

    Raises:
        ValueError: the text is no stock-keeping unit.
    """
    sku = text.strip().upper()
    if _FORM.fullmatch(sku) is None:
        raise ValueError(f"{text!r} is not a stock-keeping unit such as BOX-0042")
    return sku
