"""Trainings of tests: one to its end, its weights, one that is stopped, and whether two are the same."""

import torch
from safetensors.torch import load_file

import pnn
from pnn.training import loop


def fitted(run: pnn.Run, folder, **options) -> pnn.Record:
    return pnn.fit(run, folder=folder, device="cpu", progress=False, **options)


def weights(run: pnn.Run, folder) -> dict[str, torch.Tensor]:
    """Those that a training left in this folder."""
    return load_file(folder / run.name / "weights.safetensors")


def without_time(record: pnn.Record) -> dict:
    form = record.to_dict()
    for name in ("seconds", "sessions", "commit"):
        del form[name]
    del form["curves"]["seconds"], form["budget"]["step_seconds"]
    return form


class Stopped(Exception):
    pass


def stop_at(monkeypatch, epoch: int, step: int) -> None:
    """Stop, as a signal does, once so many epochs and steps were taken."""
    take_step = loop.Training.take_step

    def stopping(self, x, y):
        take_step(self, x, y)
        if (self.epoch, self.step) == (epoch, step):
            self.save(self.path)
            raise Stopped

    monkeypatch.setattr(loop.Training, "take_step", stopping)


def same_but_for_what_is_read(watched: pnn.Record, alone: pnn.Record) -> bool:
    """Whether a training with methods that read ended as the one without them: curves, scores, rows and health."""
    forms = [without_time(record) for record in (watched, alone)]
    for form in forms:
        form.pop("readings", None)
        del form["run"]
    return forms[0] == forms[1]
