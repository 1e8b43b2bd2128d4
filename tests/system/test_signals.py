"""Ctrl-C, SIGTERM and SIGHUP between two steps."""

import signal
import threading

import pytest

from pnn.system.signals import STOPPED, act_on, held_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_and_a_second_one_acts_at_once(number):
    with held_signals() as received:
        signal.raise_signal(number)
        assert received == [number]
        with pytest.raises((SystemExit, KeyboardInterrupt)):
            signal.raise_signal(number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_status_names_the_signal(number):
    with pytest.raises(SystemExit) as ended:
        act_on(number)
    assert ended.value.code == 128 + number
    assert ended.value.code in STOPPED


def test_a_terminal_that_is_closed_does_not_matter_to_what_nohup_started():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with held_signals() as received:
            signal.raise_signal(signal.SIGHUP)
        assert received == []
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_are_put_back_and_other_threads_have_none():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with held_signals():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers
    seen = []

    def look():
        with held_signals() as received:
            seen.append(received)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [[]]
