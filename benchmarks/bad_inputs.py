"""Wrong values for every field of every choice, and wrong command lines: is each refused by words of ours?

A value is *refused* where pnn's own code raises a ValueError or a TypeError that names the field or repeats the value.
It is *accepted* where the choice that has it is the same after it went through JSON. All else is a fault: an error
out of somebody else's code, or a choice that cannot be written down.
"""

import copy
import dataclasses
import json
import subprocess
import sys
import traceback
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trials import Trial

import pnn
from pnn import methods, networks, tasks
from pnn.nn import activation
from pnn.system.choice import RunError, from_plain, to_plain

HOME = Path(pnn.__file__).parent
NUMBERS = (None, True, 0, -1, 10**30, 0.5, -0.5, 1e308, float("nan"), float("inf"), 2j)
WORDS = ("", "abacus", "relu ", "1", "\0", "x" * 10_000, b"relu")
OTHERS = ([], {}, {"name": "abacus"}, (), ("relu",), object)
FORMS = (
    *(None, True, -1, 10**30, 1e308, float("nan"), float("inf")),
    *("", "abacus", "\0", [], {}, {"name": "abacus"}, [None]),
)
LEFT_OUT = object()
WRONG = (*NUMBERS, *WORDS, *OTHERS)
# What a choice needs that has no default, by the name of the field.
NEEDED = {
    "neuron": "bilinear",
    "width": 4,
    "target": "products",
    "limit": 4.0,
    "degree": 2,
    "bound": 4.0,
    "title": "mine",
    "fingerprint": "0" * 64,
    "shape": (3,),
    "classes": 2,
    "train_rows": 10,
    "test_rows": 10,
    "validation": 2,
}
# Each command line, and a word that its message must have.
COMMANDS = (
    ("", "required"),
    ("abacus", "abacus"),
    ("study", "--size"),
    ("study digitz --size smoke", "digitz"),
    ("study cifar10 --size huge", "huge"),
    ("study cifar10 --size smoke --jobs 0", "jobs"),
    ("study cifar10 --size smoke --jobs many", "many"),
    ("study cifar10 --size smoke --seeds -1", "-1"),
    ("study cifar10 --size smoke --budget soon", "soon"),
    ("study cifar10 --size smoke --device abacus", "abacus"),
    ("study cifar10 --size smoke --retry fine", "fine"),
    ("run", "run"),
    ("run {", "{"),
    ("run []", "[]"),
    ("run no-such-file.json", "no-such-file.json"),
    ("status --results /dev/null", "/dev/null"),
    ("records", "--export"),
    ("records --export table.xls", "table.xls"),
    ("records --pack abacus smoke", "abacus"),
    ("table no-such-folder", "no-such-folder"),
    ("sweep no-such-notebook.ipynb -p seeds 1", "no-such-notebook.ipynb"),
    ("sweep notebooks/datasets/higgs.ipynb -p sise smoke --dry-run", "sise"),
    ("sweep notebooks/datasets/higgs.ipynb -p seeds many --dry-run", "many"),
    ("sweep notebooks/datasets/higgs.ipynb -f no-such-file.yaml --dry-run", "no-such-file.yaml"),
    ("sweep notebooks/datasets/higgs.ipynb -p seeds 1 --timeout soon --dry-run", "soon"),
    ("sweep notebooks/datasets/higgs.ipynb -p seeds 1 --jobs -1 --dry-run", "jobs"),
    ("notebook no-such-notebook.ipynb out.ipynb", "no-such-notebook.ipynb"),
    ("notebook notebooks/datasets/higgs.ipynb", "out"),
)


def choices() -> Iterator[Any]:
    """One of every network, task, method and activation, a recipe and a Run."""
    for union in (networks.Network, tasks.Task, methods.Method, activation.Activation):
        for kind in typing.get_args(union):
            yield kind(**{f.name: NEEDED[f.name] for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING})
    yield pnn.Recipe(1)
    yield pnn.Run(pnn.Digits(), pnn.CNN("standard", 2), pnn.Recipe(1), 0, "smoke")


def fault_of(choice: Any, field: str, value: Any) -> str:
    """Why a choice with this value is neither refused nor accepted as promised; empty: it is."""
    try:
        changed = dataclasses.replace(choice, **{field: value})
    except (ValueError, TypeError) as error:
        ours = Path(traceback.extract_tb(error.__traceback__)[-1].filename).is_relative_to(HOME)
        told = field in str(error) or repr(value) in str(error)
        return "" if ours and told else f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    try:
        same = from_plain(type(choice), json.loads(json.dumps(to_plain(changed), allow_nan=False)), "choice")
        return "" if same == changed and hash(same) == hash(changed) else "accepted, and another one after JSON"
    except Exception as error:
        return f"accepted, but {type(error).__name__}: {error}"


def of_choices() -> Trial:
    faults, tried = [], 0
    for choice in choices():
        for field in dataclasses.fields(choice):
            for value in WRONG:
                tried += 1
                if fault := fault_of(choice, field.name, value):
                    faults.append(f"{type(choice).__name__}.{field.name} = {value!r:.40}: {fault:.120}")
    return Trial("inputs", "a wrong value for a field of a choice", tried, faults)


def of_commands() -> Trial:
    faults = []
    for words, named in COMMANDS:
        command = [sys.executable, "-m", "pnn", *words.split()]
        done = subprocess.run(command, capture_output=True, text=True, cwd=HOME.parent, timeout=120)
        if done.returncode != 2 or "Traceback" in done.stderr or named not in done.stderr:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            faults.append(f"pnn {words}: exit status {done.returncode}, {last:.160}")
    return Trial("inputs", "a wrong command line", len(COMMANDS), faults)


def of_forms(record: pnn.Record) -> list[Trial]:
    """Every place of a whole Run's and a whole Record's JSON, once with each wrong value and once without."""
    found = []
    for what, kind, form in (("a Run", pnn.Run, record.run.to_dict()), ("a Record", pnn.Record, record.to_dict())):
        faults, tried = [], 0
        for place in _places(form):
            for value in (*FORMS, LEFT_OUT):
                tried += 1
                if fault := _fault_of_form(kind, _changed(form, place, value)):
                    faults.append(f"{'.'.join(map(str, place))} = {value!r:.40}: {fault:.160}")
        found.append(Trial("inputs", f"a wrong value or a gap in the JSON of {what}", tried, faults))
    return found


def _places(form: Any, before: tuple = ()) -> Iterator[tuple]:
    if before:
        yield before
    if isinstance(form, dict):
        for name, part in form.items():
            yield from _places(part, (*before, name))
    elif isinstance(form, list) and form:
        yield from _places(form[0], (*before, 0))


def _changed(form: Any, place: tuple, value: Any) -> Any:
    changed = copy.deepcopy(form)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    if value is LEFT_OUT:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return changed


def _fault_of_form(kind: Any, form: Any) -> str:
    try:
        made = kind.from_dict(copy.deepcopy(form))
    except RunError:
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    try:
        again = kind.from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False)))
    except Exception as error:
        return f"accepted, but {type(error).__name__}: {error}"
    return "" if again == made else "accepted, and another one after JSON"
