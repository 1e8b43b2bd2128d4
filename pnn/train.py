"""fit(run) -> Record: one training, exact in its continuation."""

import dataclasses
import math
import platform
import statistics
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from . import checkpoint
from ._version import __version__
from .baselines import fit_baseline
from .budget import budget
from .data import Data, Split, draw_epoch, take_batch
from .divergence import Diverged, bad_place, bad_weight
from .machine import act_on, commit, deterministic, device_name, held_signals, pick_device
from .mix import mixup_or_cutmix, rand_augment
from .optimise import schedule
from .probe import norms
from .run import Record, Run, Score
from .stability import relinear_
from .state import State

CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "learning_rate", "seconds")
EVALUATION_BATCH = 500
PROBE_ROWS = 256  # of the validation rows, on which the layers' norms are taken after every epoch


def objective(logits: Tensor, y: Tensor, reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy in nats to classes or their probabilities; of one output, that of two: the second one's logit."""
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits[:, 0], y.to(logits.dtype), reduction=reduction)
    return F.cross_entropy(logits, y, reduction=reduction, label_smoothing=label_smoothing)


def correct(logits: Tensor, y: Tensor) -> Tensor:
    """How many rows are classified correctly."""
    guess = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)
    return (guess == y).sum()


def fit(
    run: Run,
    *,
    data: str | Path | Data | None = None,
    device: str = "auto",
    folder: str | Path = "runs",
    checkpoint_seconds: float = 30.0,
    progress: bool = True,
) -> Record:
    """Train one Run to its end, or on from its checkpoint.

    A run that was stopped by whatever cause, SIGKILL included, and is started again ends with the same bits as one
    left alone: same device, same version of torch. SIGTERM and Ctrl-C finish the step, save, and then act.

    Args:
        run: what to train.
        data: the task's rows, or the folder to load them from (by default ``PNN_DATA``, then the hub).
        device: ``"auto"``, or a torch device.
        folder: where the run keeps ``<run.name>/checkpoint.safetensors`` and, at the end, ``weights.safetensors``.
        checkpoint_seconds: least time between two checkpoints; a killed run loses no more than this, a step and the
            evaluations that follow it.
        progress: show a progress bar.

    Returns:
        The Record, with outcome ``ok``, ``diverged`` or ``oom``. It is not written to disk: :func:`pnn.study` does.

    Raises:
        DataError: there is no data to train on, or it is damaged.
        CheckpointError: the checkpoint is damaged, from another machine, or cannot be written.
        KeyboardInterrupt, SystemExit: Ctrl-C or SIGTERM (exit status 143), after saving.
    """
    device = pick_device(device)
    home = Path(folder) / run.name
    with deterministic():
        if not isinstance(data, Data):
            data = run.task.load(data, device)
        if run.network.is_baseline:
            return _fit_baseline(run, data)
        before = None
        if run.recipe.standard_epochs:
            options = {"device": device, "checkpoint_seconds": checkpoint_seconds, "progress": progress}
            before = fit(_before(run), data=data, folder=home, **options)
            if before.outcome != "ok":
                return dataclasses.replace(
                    before, run=run, message=f"before, in the standard network: {before.message}"
                )
        training = _Training(run, data, device, home / "checkpoint.safetensors", checkpoint_seconds, before)
        outcome, message, final = "ok", "", {}
        with held_signals() as signals:
            try:
                final = training.to_the_end(progress, signals)
            except Diverged as error:
                outcome, message = "diverged", str(error)
            except torch.OutOfMemoryError as error:
                outcome, message = "oom", str(error).splitlines()[0]
        if outcome == "ok":
            checkpoint.save(home / "weights.safetensors", training.weights(), {"run": run.to_dict()})
        return training.record(outcome, message, final)


def _before(run: Run) -> Run:
    """The standard network as which this Run's is to start."""
    network = dataclasses.replace(run.network, neuron="standard", start="torch")
    plain = {"standard_epochs": 0, "quadratic_rate": 1.0, "quadratic_decay": 0.0}
    recipe = dataclasses.replace(run.recipe, epochs=run.recipe.standard_epochs, **plain)
    return dataclasses.replace(run, network=network, recipe=recipe)


def _fit_baseline(run: Run, data: Data) -> Record:
    started = time.perf_counter()
    final = fit_baseline(run, data)
    seconds = time.perf_counter() - started
    found = {"curves": {}, "final": final, "budget": {}, "seconds": seconds, "sittings": 1}
    return Record(run=run, outcome="ok", message="", **found, **_surroundings(run, data, torch.device("cpu")))


def _surroundings(run: Run, data: Data, device: torch.device) -> dict[str, Any]:
    """What a Record says of the machine, the software and the rows."""
    return {
        "used": {
            "device": device_name(device),
            "precision": run.recipe.precision,
            "channels_last": run.recipe.channels_last,
            "compile": run.recipe.compile,
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "threads": torch.get_num_threads(),
        },
        "versions": {
            "python": platform.python_version(),
            "pnn": __version__,
            "torch": torch.__version__,
            **({"scikit-learn": version("scikit-learn")} if run.network.is_baseline else {}),
            **({"cuda": torch.version.cuda} if device.type == "cuda" else {}),
        },
        "commit": commit(),
        "data": {"door": data.door, "fingerprint": data.fingerprint},
    }


class _Training(State):
    """What moves the state on: steps, evaluations, and the ends of epochs."""

    def __init__(
        self,
        run: Run,
        data: Data,
        device: torch.device,
        path: Path,
        checkpoint_seconds: float,
        before: Record | None = None,
    ) -> None:
        torch.manual_seed(run.seed)
        model = run.network.build(data.form, data.vectors)
        if before:
            learnt = before.run.network.build(data.form, data.vectors)
            learnt.load_state_dict(checkpoint.load(path.parent / before.run.name / "weights.safetensors")[0])
            relinear_(model, learnt)
        example = data.train.x[:1]
        self.budget = budget(model, example if data.form.vocabulary else example.float())
        self.layout = torch.channels_last if run.recipe.channels_last else torch.contiguous_format
        super().__init__(run, model.to(device, memory_format=self.layout), device)
        self.data, self.path, self.checkpoint_seconds = data, path, checkpoint_seconds
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.forward = torch.compile(model) if run.recipe.compile else model
        self.step_seconds: list[float] = []
        self.curves = {name: [] for name in CURVES}
        if before:
            self.seconds = before.seconds
        if path.exists():
            self.restore(path)

    @property
    def steps(self) -> int:
        return math.ceil(len(self.data.train) / self.run.recipe.batch_size)

    def to_the_end(self, progress: bool, signals: list[int]) -> dict[str, Score]:
        recipe = self.run.recipe
        saved = clock = time.perf_counter()

        def tick() -> None:
            nonlocal clock
            now = time.perf_counter()
            self.seconds += now - clock
            self.epoch_seconds += now - clock
            clock = now

        bar = tqdm(
            total=recipe.epochs * self.steps,
            initial=self.epoch * self.steps + self.step,
            desc=self.run.name.removesuffix(f"-{self.run.id}"),
            disable=not progress,
            mininterval=0.5,
        )
        with bar:
            while self.epoch < recipe.epochs and not self._is_late():
                rows = draw_epoch(
                    len(self.data.train), self.run.seed, self.epoch, recipe.augment != "none", self.device
                )
                for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
                    group["lr"] = rate * schedule(recipe, self.epoch)
                self.model.train()
                while self.step < self.steps:
                    started = time.perf_counter()
                    self._step(*take_batch(self.data.train, rows, self.step * recipe.batch_size, recipe.batch_size))
                    self.step_seconds.append(time.perf_counter() - started)
                    tick()
                    bar.update()
                    if signals or time.perf_counter() - saved > self.checkpoint_seconds:
                        self.save(self.path)
                        saved = time.perf_counter()
                    if signals:
                        act_on(signals[0])
                score = self._evaluate(self.data.validation, "validation")
                tick()
                self._end_epoch(score)
                bar.set_postfix_str(f"validation {score.accuracy:.3f}")
            if self.best:
                self.model.load_state_dict(self.best)
            final = {
                split: self._evaluate(getattr(self.data, split), split) for split in ("train", "validation", "test")
            }
            tick()
            if signals:
                self.save(self.path)
                act_on(signals[0])
            return final

    def _step(self, x: Tensor, y: Tensor) -> None:
        recipe = self.run.recipe
        if recipe.augment == "rand-augment":
            x = rand_augment(x)
        x, target = self._inputs(x), y
        if recipe.mix != "none":
            x, target = mixup_or_cutmix(x, y, self.data.form.classes)
        self.optimiser.zero_grad()
        with self._autocast():
            logits = self.forward(x)
            loss = objective(logits, target, label_smoothing=recipe.label_smoothing)
        loss.backward()
        norm = nn.utils.get_total_norm([p.grad for p in self.model.parameters() if p.grad is not None])
        # one wait for the device a step
        value, norm, hits = torch.stack([loss, norm, correct(logits, y)]).detach().double().tolist()
        if not (math.isfinite(value) and math.isfinite(norm)):
            what = f"step {self.step + 1} of epoch {self.epoch + 1}: the loss is {value}, the gradient's norm {norm}"
            raise Diverged(what + bad_place(self.model, x, self._autocast()))
        self.optimiser.step()
        if self.average:
            self.average.update_parameters(self.model)
        self.loss_sum += value * len(y)
        self.correct += int(hits)
        self.step += 1

    def _inputs(self, x: Tensor) -> Tensor:
        x = self.data.normalise(x)
        return x.contiguous(memory_format=self.layout) if x.dim() == 4 else x

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.run.recipe.precision == "bfloat16")

    @torch.no_grad()
    def _evaluate(self, split: Split, name: str) -> Score:
        self.model.eval()
        forward = self.average.module.eval() if self.average else self.forward
        loss = hits = 0.0
        for start in range(0, len(split), EVALUATION_BATCH):
            x, y = split.x[start : start + EVALUATION_BATCH], split.y[start : start + EVALUATION_BATCH]
            with self._autocast():
                logits = forward(self._inputs(x))
            loss += objective(logits.float(), y, reduction="sum").item()
            hits += correct(logits, y).item()
        if not math.isfinite(loss):
            what = f"the {name} loss is {loss} after epoch {min(self.epoch + 1, self.run.recipe.epochs)}"
            raise Diverged(what + bad_weight(self.model.state_dict()))
        return Score(loss / len(split), hits / len(split))

    def _is_late(self) -> bool:
        """Is it so many epochs past the best one that the recipe stops?"""
        patience = self.run.recipe.patience
        return bool(patience) and self.epoch - self.best_epoch >= patience and self.step == 0

    def _norms(self) -> dict[str, float]:
        x, y = self.data.validation.x[:PROBE_ROWS], self.data.validation.y[:PROBE_ROWS]

        def loss() -> Tensor:
            with self._autocast():
                return objective(self.evaluated(self._inputs(x)), y)

        found = norms(self.evaluated, loss)
        for name, value in found.items():
            if not math.isfinite(value):
                raise Diverged(f"{name} on validation rows is {value} after epoch {self.epoch + 1}")
        return found

    def _end_epoch(self, validation: Score) -> None:
        rows = len(self.data.train)
        values = (
            self.loss_sum / rows,
            self.correct / rows,
            validation.loss,
            validation.accuracy,
            self.run.recipe.learning_rate * schedule(self.run.recipe, self.epoch),
            self.epoch_seconds,
        )
        for name, value in (dict(zip(CURVES, values, strict=True)) | self._norms()).items():
            self.curves.setdefault(name, []).append(value)
        self.epoch += 1
        if self.run.recipe.patience and validation.loss == min(self.curves["validation_loss"]):
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
            self.best_epoch = self.epoch
        self.step, self.loss_sum, self.correct, self.epoch_seconds = 0, 0.0, 0, 0.0

    def record(self, outcome: str, message: str, final: dict[str, Score]) -> Record:
        steps = self.step_seconds[3:] or self.step_seconds
        surroundings = _surroundings(self.run, self.data, self.device)
        if self.run.recipe.patience:
            surroundings["used"]["best_epoch"] = self.best_epoch
        return Record(
            run=self.run,
            outcome=outcome,
            message=message,
            curves=self.curves,
            final=final,
            budget={
                "parameters": self.budget.parameters,
                "macs": self.budget.macs,
                "activation_bytes": self.budget.activation_bytes,
                "step_seconds": statistics.median(steps) if steps else 0.0,
            },
            seconds=self.seconds,
            sittings=self.sittings,
            **surroundings,
        )
