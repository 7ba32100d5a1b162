"""Signals that arrive where cleaning up is impossible: held back to the end of a block."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def hold_signals() -> Iterator[None]:
    """Deliver Ctrl-C and SIGTERM at the end of the block, or when a second one comes.

    Signals come to the main thread only; in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    come: list[int] = []
    before = {number: signal.getsignal(number) for number in _HELD}

    def let_go() -> None:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        if come:
            last = come[-1]
            come.clear()
            signal.raise_signal(last)

    def hold(number: int, _frame: object) -> None:
        come.append(number)
        if len(come) > 1:
            let_go()

    for number in _HELD:
        signal.signal(number, hold)
    try:
        yield
    finally:
        let_go()
