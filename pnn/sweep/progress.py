"""What a sweep shows while it goes on: a table that is drawn anew on a terminal, lines elsewhere."""

import collections
import sys
import time
from typing import Any

from ..system.extras import needs
from .folder import Outcome
from .points import Point

with needs("notebooks", "a sweep"):
    from rich.console import Console, Group
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

SHOWN = 20  # So many of the runs that go on are shown.


class Progress:
    """A context that shows how `total` runs go on, of which those of `done` need nothing."""

    def __init__(self, total: int, done: dict[str, Outcome], wanted: bool) -> None:
        self.total, self.wanted = total, wanted
        self.outcomes = collections.Counter(outcome.outcome for outcome in done.values())
        self.skipped, self.seconds = len(done), []
        self.running: dict[str, tuple[Point, float]] = {}
        self.others: dict[str, str] = {}  # These runs were left to others, and why.
        self.note = ""  # This note was shown last.
        console = Console(stderr=True)
        self.live = Live(console=console, refresh_per_second=4) if wanted and console.is_terminal else None

    def __enter__(self) -> "Progress":
        if self.live:
            self.live.start()
        if self.skipped:
            self._say(f"{self.skipped} of {self.total} runs are done already")
        return self

    def __exit__(self, *_: Any) -> None:
        if self.live:
            self.live.update(self._picture(0, 1))
            self.live.stop()

    def started(self, key: str, point: Point) -> None:
        self.running[key] = point, time.monotonic()
        if key not in self.others:
            self._say(f"started  {key} {words(point)}")

    def ended(self, key: str, outcome: Outcome) -> None:
        point, began = self.running.pop(key)
        self.seconds.append(time.monotonic() - began)
        self.outcomes[outcome.outcome] += 1
        more = f": {outcome.message}" if outcome.message else ""
        seconds = outcome.seconds or self.seconds[-1]  # These are its own, without what it waited for a worker.
        self._say(f"{outcome.outcome:8} {key} {words(point)} in {seconds:.1f} s{more}", outcome.outcome != "ok")

    def gone(self, key: str, why: str) -> None:
        self.running.pop(key)
        self._say(f"left     {key}: {why}")

    def elsewhere(self, key: str, why: str) -> None:
        """Say that a run is left to others; it is said once, though the run is looked at again and again."""
        self.running.pop(key)
        if self.others.get(key) != why:
            self._say(f"left     {key}: {why}")
        self.others[key] = why

    def show(self, waiting: int, slots: int, note: str = "") -> None:
        """Show how many runs wait; `note`, what keeps the others from going on, is said once."""
        if note and note != self.note:
            self._say(note)
        self.note = note
        if self.live:
            self.live.update(self._picture(waiting, slots))

    def _say(self, text: str, important: bool = False) -> None:
        if self.live and important:
            self.live.console.print(Text(text))
        elif self.wanted and not self.live:
            print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def _picture(self, waiting: int, slots: int) -> Group:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items()) or "none"
        head = f"{self.outcomes.total()} of {self.total} runs ended ({counts}), {len(self.running)} go on"
        if self.seconds and waiting + len(self.running):
            head += f", about {clock(self.remaining(waiting, slots))} left"
        head += f"; {self.note}" if self.note else ""
        rows = Table("run", "parameters", "for", box=None)
        now = time.monotonic()
        for key, (point, began) in list(self.running.items())[:SHOWN]:
            rows.add_row(key, Text(words(point)), clock(now - began))
        return Group(Text(head), rows) if self.running else Group(Text(head))

    def remaining(self, waiting: int, slots: int) -> float:
        """The seconds that are left if the others take as long as the mean of those that ended."""
        mean, now = sum(self.seconds) / len(self.seconds), time.monotonic()
        going = sum(max(0.0, mean - (now - began)) for _, began in self.running.values())
        return (waiting * mean + going) / max(1, slots)


def words(point: Point) -> str:
    return ", ".join(f"{name}={value}" for name, value in point.items())


def clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
