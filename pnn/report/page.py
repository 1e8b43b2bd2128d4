"""What every page of an experiment does: train what is missing, name the setting, keep its answers for the prose."""

from collections.abc import Callable, Iterable
from typing import Any

from ..experiments import EXPERIMENTS
from ..runs.folders import results_folder
from ..runs.record import Record
from ..runs.store import has_record
from ..studies.forecast import forecast
from ..studies.study import in_turn, largest_size, study
from ..system.extras import needs
from .arms import Arms, setting
from .claims import Answer
from .glue import glue, glue_comparison


def trained(
    experiment: Callable[..., dict], size: str, *, device: str, data: str, results: str, **settings: Any
) -> dict[Any, list[Record]]:
    """The Records of an experiment by arm; what has none is trained, after saying how long that will take.

    Args:
        experiment: a function such as :func:`pnn.experiments.cifar10`.
        size: of the experiment; ``"largest"`` is the largest that has all its Records.
        device: as for :func:`pnn.study`.
        data: the folder of the data; empty: where :func:`pnn.study` looks by itself, as with the next.
        results: the folder of the Records.
        settings: further arguments of the experiment.
    """
    if size == "largest":
        size = largest_size(experiment, results or None, **settings)
    runs = experiment(size, **settings)
    print(forecast(runs, device=device, results=results or None))
    return study(runs, results=results or None, data=data or None, device=device)


def tuned(
    experiment: str, arms: Arms, *, device: str = "auto", data: str = "", results: str = ""
) -> dict[Any, list[Record]]:
    """The Records that chose the learning rates of an experiment, at the size of its arms; none if they are not there.

    They are hundreds of trainings, which no page starts by itself: ``python -m pnn study rates-NAME`` does. Only at
    size ``"smoke"`` they are a few.

    Args:
        experiment: a name in :data:`pnn.experiments.EXPERIMENTS`, without ``rates-``.
        arms: the Records of the experiment.
        device: as for :func:`pnn.study`, as are the next two, empty for where it looks by itself.
        data: the folder of the data.
        results: the folder of the Records.
    """
    size = next(record.run.size for arm in arms.values() for record in arm)
    tuning = EXPERIMENTS.get(f"rates-{experiment}")
    runs = tuning(size) if tuning else {}
    folder = results_folder(results or None)
    if size != "smoke" and not all(has_record(run, folder) for run in in_turn(runs)):
        return {}
    return study(runs, results=results or None, data=data or None, device=device)


def show_setting(arms: Arms) -> None:
    """Show the setting of some arms in one line."""
    with needs("notebooks", "showing a setting"):
        from IPython.display import Markdown, display

    display(Markdown(f"*Setting: {setting(arms)}.*"))


def glue_setting(arms: Arms) -> None:
    """Keep the setting of some arms for the prose, and their size, as ``setting`` and ``size``."""
    glue("size", next(record.run.size for arm in arms.values() for record in arm))
    glue("setting", setting(arms))


def glue_answers(answers: Iterable[Answer]) -> None:
    """Keep answers for the prose: of claim ``oporture2026-cifar10-gap`` as ``gap-verdict``, ``gap-interval``, ..."""
    for answer in answers:
        glue_comparison(answer.claim.id.rpartition("-")[2], answer.comparison, answer.verdict)
