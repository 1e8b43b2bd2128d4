"""The training loop: what moves the state on, step by step and epoch by epoch."""

import dataclasses
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..analysis.budget import budget
from ..analysis.health import inputs_outside
from ..methods import Method
from ..runs.record import Record
from ..runs.record_check import SCALES, SPLITS, curves_of, limit_of
from ..runs.run import Run
from ..system.signals import act_on
from ..tasks.augment import draw_epoch, mixup_or_cutmix, rand_augment, take_batch
from ..tasks.data import Data, Split
from . import checkpoint
from .divergence import Diverged, bad_place, bad_weight
from .evaluate import LARGEST, Evaluation, evaluate
from .layer_norms import norms
from .objective import correct, objective, r2
from .optimiser import schedule
from .readings import plain
from .state import State

PROBE_ROWS = 256  # The layers' norms are taken on so many validation rows after every epoch.


class Training(State):
    """A State with what moves it on: steps, evaluations, and the ends of epochs."""

    def __init__(
        self,
        run: Run,
        data: Data,
        device: torch.device,
        path: Path,
        checkpoint_seconds: float,
        before: Mapping[Method, list[Record]] | None = None,
    ) -> None:
        before = before or {}
        torch.manual_seed(run.seed)
        model = run.network.build(data.form, data.vectors)
        for method in run.recipe.methods:
            method.start(model, [self._learnt(record.run, data, path.parent) for record in before.get(method, [])])
        example = data.train.x[:1]
        self.budget = budget(model, example if data.form.vocabulary else example.float())
        self.layout = torch.channels_last if run.recipe.channels_last else torch.contiguous_format
        super().__init__(run, model.to(device, memory_format=self.layout), device)
        self.data, self.path, self.checkpoint_seconds = data, path, checkpoint_seconds
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.forward = torch.compile(model) if run.recipe.compile else model
        self.step_seconds: list[float] = []
        self.curves = {name: [] for name in curves_of(run)}
        self.seconds = sum(record.seconds for records in before.values() for record in records)
        if os.path.lexists(path):  # A link to a checkpoint that is not there is no reason to begin again.
            self.restore(path)
        else:
            self._read()

    @staticmethod
    def _learnt(run: Run, data: Data, home: Path) -> nn.Module:
        """The network that a phase before this training left."""
        network = run.network.build(data.form, data.vectors)
        network.load_state_dict(checkpoint.load(home / run.name / "weights.safetensors")[0])
        return network

    @property
    def steps(self) -> int:
        """How many steps an epoch has."""
        return math.ceil(len(self.data.train) / self.run.recipe.batch_size)

    def run_to_the_end(self, progress: bool, signals: list[int]) -> dict[str, Evaluation]:
        """Train what is left of the epochs; return what the last evaluation finds of each split.

        Args:
            progress: show a progress bar.
            signals: the signals that came; the first is acted on after the step and its checkpoint.
        """
        total = self.run.recipe.epochs * self.steps
        name = self.run.name.removesuffix(f"-{self.run.id}")
        done = self.epoch * self.steps + self.step
        self._clock = self._saved = time.perf_counter()
        with tqdm(total=total, initial=done, desc=name, disable=not progress, mininterval=0.5) as bar:
            while self.epoch < self.run.recipe.epochs and not self._stops_early():
                self._run_epoch(bar, signals)
                self._before_evaluation()
                validation = self._evaluate(self.data.validation, "validation")
                self._count_time()
                self._end_epoch(validation)
                bar.set_postfix_str(f"validation {validation.score.share:.3f}")
        if self.best:
            self.model.load_state_dict(self.best)
        self._before_evaluation()
        found = {split: self._evaluate(getattr(self.data, split), split) for split in SPLITS}
        self._count_time()
        if signals:
            self._save_and_act(signals)
        return found

    def _run_epoch(self, bar: tqdm, signals: list[int]) -> None:
        """Take the steps of an epoch that are left, and write a checkpoint now and then."""
        recipe = self.run.recipe
        rows = draw_epoch(len(self.data.train), self.run.seed, self.epoch, recipe.augment != "none", self.device)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * schedule(recipe, self.epoch, self._watched())
        self.model.train()
        while self.step < self.steps:
            started = time.perf_counter()
            self.take_step(*take_batch(self.data.train, rows, self.step * recipe.batch_size, recipe.batch_size))
            self.step_seconds.append(time.perf_counter() - started)
            self._count_time()
            bar.update()
            if signals:
                self._save_and_act(signals)
            if time.perf_counter() - self._saved > self.checkpoint_seconds:
                self.save(self.path)
                self._saved = time.perf_counter()

    def _count_time(self) -> None:
        """Add the time since the last call to that of the training and of the epoch."""
        now = time.perf_counter()
        self.seconds += now - self._clock
        self.epoch_seconds += now - self._clock
        self._clock = now

    def _save_and_act(self, signals: list[int]) -> None:
        self.save(self.path)
        act_on(signals[0])

    def take_step(self, x: Tensor, y: Tensor) -> None:
        """Take one step of the optimiser on a batch, with all that the recipe and its methods ask for.

        Raises:
            Diverged: the loss or the gradient's norm is not finite; the step was not taken.
        """
        recipe = self.run.recipe
        if recipe.augment == "rand-augment":
            x = rand_augment(x)
        x, target = self._inputs(x), y
        if recipe.noise:
            x = x + recipe.noise * torch.randn_like(x)
        if recipe.mix != "none":
            x, target = mixup_or_cutmix(x, y, self.data.form.classes)
        self.optimiser.zero_grad()
        with self._autocast():
            logits = self.forward(x)
            loss = objective(logits, target, label_smoothing=recipe.label_smoothing)
        penalty = self._penalty(self.model)
        (loss if penalty is None else loss + penalty).backward()
        measured = {} if penalty is None else {"penalty": penalty}
        for method in recipe.methods:
            measured |= method.after_backward(self.model) or {}
        norm = nn.utils.get_total_norm([p.grad for p in self.model.parameters() if p.grad is not None])
        # All numbers come in one transfer, so that a step waits for the device once.
        numbers = torch.stack([loss, norm, correct(logits, y), *measured.values()]).detach().double().tolist()
        value, norm, hits, *more = numbers
        if not all(map(math.isfinite, numbers)):
            what = f"step {self.step + 1} of epoch {self.epoch + 1}: the loss is {value}, the gradient's norm {norm}"
            what += "".join(f", the {name} {v}" for name, v in zip(measured, more, strict=True) if not math.isfinite(v))
            raise Diverged(what + bad_place(self.model, x, self._autocast()))
        self.optimiser.step()
        if self.average:
            self.average.update_parameters(self.model)
        self.loss_sum += value * len(y)
        self.correct += int(hits)
        for name, number in zip(measured, more, strict=True):
            self.measured[name] = self.measured.get(name, 0.0) + number
        self.step += 1

    def _penalty(self, model: nn.Module) -> Tensor | None:
        """What the methods add to the loss of the last forward pass; None if they add nothing."""
        found = [p for method in self.run.recipe.methods if (p := method.penalty(model)) is not None]
        return torch.stack(found).sum() if found else None

    def _watched(self) -> list[float]:
        """The validation loss of each epoch so far, with what methods add to it."""
        losses = self.curves["validation_loss"]
        added = self.curves.get("validation_penalty", [0.0] * len(losses))
        return [loss + more for loss, more in zip(losses, added, strict=True)]

    def _inputs(self, x: Tensor) -> Tensor:
        x = self.data.normalise(x)
        return x.contiguous(memory_format=self.layout) if x.dim() == 4 else x

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.run.recipe.precision == "bfloat16")

    def _before_evaluation(self) -> None:
        """Let the methods change what is evaluated."""
        self.evaluated.eval()
        for method in self.run.recipe.methods:
            with self._autocast():
                method.before_evaluation(self.evaluated, self._plain_rows)

    def _plain_rows(self, rows: int) -> Tensor:
        """So many training rows as the network takes them, evenly spread."""
        number = len(self.data.train)
        chosen = torch.arange(min(rows, number), device=self.device) * number // min(rows, number)
        return self._inputs(self.data.train.x[chosen])

    def _evaluate(self, split: Split, name: str) -> Evaluation:
        """Evaluate a split: by the average of the weights if there is one, else by the network itself.

        Logits that are not finite do not end a training: in training mode BatchNorm adapts to each batch, and the next
        steps may well be finite. Weights that are not finite do.

        Raises:
            Diverged: a weight is not finite.
        """
        if bad := bad_weight(dict(self.evaluated.named_parameters())):
            epoch = min(self.epoch + 1, self.run.recipe.epochs)
            raise Diverged(f"no {name} rows can be evaluated after epoch {epoch}{bad}")
        self.model.eval()
        forward = self.average.module.eval() if self.average else self.forward
        with inputs_outside(self.evaluated) as outside:
            found = evaluate(
                lambda x: forward(self._inputs(x)),
                split,
                self._autocast,
                lambda: self._penalty(self.evaluated),
                limit_of(self.run),
            )
        return dataclasses.replace(found, outside=outside.share)

    def _stops_early(self) -> bool:
        """Whether an epoch has ended that is so many after the best one that the recipe stops."""
        patience = self.run.recipe.patience
        return bool(patience) and self.epoch - self.best_epoch >= patience and self.step == 0

    def _norms(self) -> dict[str, float]:
        x, y = self.data.validation.x[:PROBE_ROWS], self.data.validation.y[:PROBE_ROWS]

        def loss() -> Tensor:
            with self._autocast():
                return objective(self.evaluated(self._inputs(x)), y)

        return {name: value if math.isfinite(value) else LARGEST for name, value in norms(self.evaluated, loss).items()}

    def scaled_logits(self) -> list[tuple[float, float]] | None:
        """How logits grow beyond the rows that were trained on: by `SCALES`, the median row's largest and the largest.

        On validation rows, whose inputs are multiplied after they are standardised; None for token numbers.
        """
        if self.data.form.vocabulary:
            return None
        x = self._inputs(self.data.validation.x[:PROBE_ROWS])
        found = []
        with torch.no_grad():
            for scale in SCALES:
                with self._autocast():
                    logits = self.evaluated.eval()(x * scale).float()
                row = logits.abs().nan_to_num(nan=LARGEST).amax(1)
                found.append((row.median().item(), row.max().item()))
        return found

    def _read(self) -> None:
        """Keep what the methods read off the network after an epoch, or at the start."""
        for method in self.run.recipe.methods:
            for name, values in (method.after_epoch(self.evaluated) or {}).items():
                self.readings.setdefault(name, []).append(plain(values))

    def all_readings(self) -> dict[str, list]:
        """What the methods read off the network epoch by epoch, and off the network as it ended."""
        self.evaluated.eval()
        found = [method.at_end(self.evaluated, self._plain_rows) or {} for method in self.run.recipe.methods]
        return self.readings | {name: plain(values) for own in found for name, values in own.items()}

    def _watch_state(self) -> None:
        """Count after an epoch what is not finite although the loss is, as a curve that is there if anything is.

        Raises:
            Diverged: a weight is not finite. Evaluation sees those of the average alone, if there is one.
        """
        count = self.nonfinite()
        if count or "nonfinite" in self.curves:
            self.curves.setdefault("nonfinite", [0] * self.epoch).append(count)
        if self.average and (bad := bad_weight(dict(self.model.named_parameters()))):
            raise Diverged(f"no step can be taken after epoch {self.epoch + 1}{bad}")

    def _end_epoch(self, evaluation: Evaluation) -> None:
        rows, validation = len(self.data.train), evaluation.score
        loss = self.loss_sum / rows
        values = (
            loss,
            self.correct / rows if self.data.form.classes else r2(loss, self.data.train.y),
            validation.loss,
            validation.share,
            self.run.recipe.learning_rate * schedule(self.run.recipe, self.epoch, self._watched()),
            self.epoch_seconds,
        )
        measured = {name: total / self.steps for name, total in self.measured.items()}
        measured |= {
            "validation_penalty": evaluation.penalty,
            "validation_outside": evaluation.outside,
            "validation_logit": evaluation.logit,
            "validation_exploded": evaluation.exploded / len(evaluation.hits) if self.data.form.classes else None,
        }
        measured = {name: value for name, value in measured.items() if value is not None}
        for name, value in (dict(zip(curves_of(self.run), values, strict=True)) | measured | self._norms()).items():
            self.curves.setdefault(name, []).append(value)
        self._read()
        self._watch_state()
        self.epoch += 1
        if self.run.recipe.patience and validation.loss == min(self.curves["validation_loss"]):
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
            self.best_epoch = self.epoch
        self.step, self.loss_sum, self.correct, self.epoch_seconds, self.measured = 0, 0.0, 0, 0.0, {}
