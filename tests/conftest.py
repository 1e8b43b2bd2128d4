"""One thread a process: the tests use the machine's cores by running side by side. And what `nohup` does to signals."""

import os
import signal

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; processes that tests start inherit it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under `nohup` a process ignores SIGHUP, and so do those that it starts: tests would wait for ever."""
    if getattr(signal, "SIGHUP", None) is None or signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        return
    for item in items:
        given = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if signal.SIGHUP in given:
            item.add_marker(pytest.mark.skip(reason="SIGHUP is ignored here, as under nohup"))
