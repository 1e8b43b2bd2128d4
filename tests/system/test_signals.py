"""Ctrl-C, SIGTERM and SIGHUP between two steps."""

import signal
import threading

import pytest

from pnn.system.signals import STOPPED, act_on, held_signals, raised_signals


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_goes_on_by_an_exception(number):
    cleaned = []

    def work():
        with raised_signals():
            try:
                signal.raise_signal(number)
            finally:
                cleaned.append(True)

    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended:
        work()
    assert (ended.value.code, cleaned, signal.getsignal(number)) == (128 + number, [True], before)


def test_a_signal_that_is_ignored_or_has_a_handler_keeps_that():
    seen = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN), signal.signal(signal.SIGTERM, lambda *_: seen.append(True))
    try:
        with raised_signals():
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before[0])
        signal.signal(signal.SIGTERM, before[1])
    assert seen == [True]
