"""Ctrl-C, SIGTERM and SIGHUP, acted on between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ALWAYS = (signal.SIGINT, signal.SIGTERM)
# SIGHUP is what the processes of a terminal get when it is closed, or the connection to it lost. Windows has none.
STOPS = (*ALWAYS, signal.SIGHUP) if hasattr(signal, "SIGHUP") else ALWAYS
# A process that saved when one of them came ends with such a status.
STOPPED = frozenset(128 + number for number in STOPS)


@contextmanager
def held_signals() -> Iterator[list[int]]:
    """Those of STOPS are noted, not acted on, until the step is done; a second one acts at once.

    SIGHUP stays ignored where it is, as in what `nohup` starts.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def note(number: int, _frame) -> None:
        if received:
            act_on(number)
        received.append(number)

    stops = [number for number in STOPS if number in ALWAYS or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in stops}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def raised_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end what goes on by an exception, as Ctrl-C does, so that it is cleaned up after."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stops = [number for number in STOPS if signal.getsignal(number) == signal.SIG_DFL]
    for number in stops:
        signal.signal(number, lambda number, _frame: act_on(number))
    try:
        yield
    finally:
        for number in stops:
            signal.signal(number, signal.SIG_DFL)


def act_on(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
