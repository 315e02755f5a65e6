"""The training loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import torch

from icl_train._computing.launch import threads_here
from icl_train._computing.precision import computing
from icl_train._distributed.alone import Alone
from icl_train._distributed.parted import Parted
from icl_train._engines.beginning import Beginning
from icl_train._engines.choose import build_engine
from icl_train._engines.eager import Eager
from icl_train._engines.updates import Updates
from icl_train._estimate.work import Work
from icl_train._intact.weights import load_checked
from icl_train._intervening.intervene import interventions_of
from icl_train._life.classes import keep_classes
from icl_train._life.failure import failure_of, reason_of
from icl_train._life.going_on import go_on
from icl_train._life.history import record_start
from icl_train._life.longer import write_change
from icl_train._making.initial import INITIAL, copied_weights
from icl_train._making.whole import remove_leftovers
from icl_train._runs.checkpoint import save_checkpoint
from icl_train._runs.folder import Record, RunFailed, RunFolder, available_cores
from icl_train._runs.pace import Pace
from icl_train._runs.progress import Reporter
from icl_train._task import Task
from icl_train._trackers.tracking import Tracking, tracking
from icl_train._watching.heartbeat import Heartbeat
from icl_train.evaluation import EvalResult, Evaluator, workers_of

__all__ = ["Training", "eval_record", "mark_failed", "train"]


def train(run: RunFolder, reporter: Reporter, processes: Alone | None = None) -> None:
    """Train ``run`` from its newest checkpoint (or from the start) to its last step; one that is there stays as it is.

    Every batch, its noise and its dropout are pure functions of (seed, step), so the weights are, bit for bit, those of
    an unbroken run: same machine, device, thread count and library versions provided.

    Args:
        run: the run's folder.
        reporter: whom to tell how it goes.
        processes: this one, which is the first, and those that train with it; None for this one alone.

    Raises:
        RunError: if another process trains this run, or a plugin of its model is missing.
        ValueError: if its device, data or model cannot be had. The run is then as it was.
        RunFailed: if the loss is no longer a number, its checkpoint is damaged, the disk or memory is full, or code
            that the run calls (a source, a plugin) calls sys.exit. FAILED says why, if it can be written.
        KeyboardInterrupt: after Ctrl+C, SIGTERM, SIGHUP, SIGUSR1 or SIGUSR2, when a checkpoint of the last update is
            written.
    """
    processes = processes or Alone()
    run.require_components()
    with run.lock():
        if run.is_done_and_whole():  # as it is if another process has trained it since the caller's look
            processes.from_first(None)
            return
        _train(run, reporter, processes)


def _train(run: RunFolder, reporter: Reporter, processes: Alone) -> None:
    with Heartbeat(run.path) as heartbeat, tracking(run) as tracker:
        device, training = processes.device(run.config.train.device), None
        try:
            cuda = [device] if device.type == "cuda" else []
            with torch.random.fork_rng(cuda), computing(run.config.train.precision, device):
                training = Training(run, reporter, tracker, heartbeat, device, processes)
                _to_its_end(run, training)
        except SystemExit as stop:  # of somebody's code, which must not end the process as if it were done
            reason = f"code that the run calls ended it: SystemExit: {stop.code}"
            mark_failed(run, heartbeat, reason, begun=training is not None and training.begun)
            raise RunFailed(f"{run.path}: {reason}") from stop


def _to_its_end(run: RunFolder, training: Training) -> None:
    try:
        training.run()
        run.mark_done()
    except (KeyboardInterrupt, BrokenPipeError, Parted):  # a reader that leaves is no failure of training
        raise
    except Exception as error:
        mark_failed(run, training.heartbeat, reason_of(error), begun=training.begun)
        raise failure_of(run.path, error) from error


def mark_failed(run: RunFolder, heartbeat: Heartbeat, reason: str, *, begun: bool) -> None:
    """Say in the folder of a run why it has failed.

    Args:
        run: its folder.
        heartbeat: its sign of life, which ends.
        reason: in one line.
        begun: whether training has changed the folder.
    """
    heartbeat.remove()
    if not begun and (run.path / "DONE").exists():  # what could not go on is as finished as it was
        return
    with suppress(OSError):
        (run.path / "DONE").unlink(missing_ok=True)  # a disk that fails may have taken it before it said so
        run.mark_failed(reason)


class Training(Updates):
    """The state of one run in the process that keeps its folder.

    Args:
        run: its folder.
        reporter: whom to tell how it goes.
        tracker: who else is told.
        heartbeat: its sign of life.
        device: where it is trained.
        processes: this one, and those that train with it.
        build: makes the engine.
    """

    def __init__(
        self,
        run: RunFolder,
        reporter: Reporter,
        tracker: Tracking,
        heartbeat: Heartbeat,
        device: torch.device,
        processes: Alone,
        build: Callable[[Task, Alone], Eager] = build_engine,
    ) -> None:
        self.run_folder, self.reporter, self.tracker, self.heartbeat = run, reporter, tracker, heartbeat
        given = run.config.train.threads is not None
        self.threads = threads_here(run.threads, cores=available_cores(), are_given=given)
        torch.set_num_threads(self.threads)
        self.task = Task.of_run(run, device=device)
        super().__init__(run.config, build(self.task, processes), processes)
        self.evaluator = Evaluator(
            self.task,
            batches=self.config.eval.batches,
            protocol=self.config.eval.protocol,
            workers=workers_of(self.config, self.threads),
        )
        self.is_new, self.begun = True, False
        processes.from_first(self.task.data.described())
        processes.wait()  # a process that cannot follow says so before anything is changed

    def run(self) -> None:
        """From the newest checkpoint to the last step."""
        self.restore()
        try:
            self.start()
            self.go_through()
        finally:
            self.stop()

    def start(self) -> None:
        """Tell everybody, and write down how a run that is new begins."""
        if self.processes.size > 1:
            self.processes.from_first(Beginning.of(self.engine, step=self.step, is_new=self.is_new))
        record_start(
            self.run_folder,
            step=self.step,
            device=str(self.task.bank.device),
            engine=self.engine.name,
            processes=self.processes.size,
            threads=self.threads,
        )
        self.pace = self._new_pace()
        self.reporter.start(self.run_folder.name, self.step, self.last, self.config.train.batch_size, self.pace)
        self.tracker.start(self.step if self.is_new or self._told_again else self.step + 1)
        if self._told_again:
            self.tracker.log(self._told_again)
        self.heartbeat.beat(self.step)
        self.begin(self.step, is_new=self.is_new)
        self._logged = (self.pace.training_seconds(), self.step)

    def stop(self) -> None:
        """No more updates are made in this process."""
        self.reporter.stop()
        self.engine.close()

    def _advance(self) -> None:
        self.pace.advance(self.step)
        self.reporter.advance(self.step)
        self.heartbeat.beat(self.step, self.pace.measured)

    def _tell(self, means: dict[str, float]) -> None:
        now, (then, step) = self.pace.training_seconds(), self._logged
        record: Record = {
            "split": "train",
            "step": self.step,
            "sequences": self._sequences(),
            **means,
            "learning_rate": self.engine.learning_rate(self.step),
            **self.engine.norms(),
            "sequences_per_second": (self.step - step) * self.config.train.batch_size / (now - then),
        }
        self._logged = (now, self.step)
        self._record([record])

    def _evaluate(self) -> None:
        with self.pace.aside("evaluation"):
            interventions = self.engine.interventions
            acting = None if interventions is None else interventions.at(self.step)
            results = self.evaluator(self.model, acting)
        self._record([eval_record(result, step=self.step, sequences=self._sequences()) for result in results])

    def _record(self, records: list[Record]) -> None:
        stored = self.run_folder.append(records)
        self.reporter.records(records)
        self.tracker.log(stored)

    def _save(self) -> None:
        with self.pace.aside("checkpoint"):
            metrics = self.run_folder.flush()
            save_checkpoint(
                self.run_folder.checkpoints,
                step=self.step,
                model=self.model,
                optimizer=self.engine.optimizer,
                sums=self.engine.sums.values(),
                summed=self.engine.sums.count,
                metrics=metrics,
                ties=self.ties,
            )

    def restore(self) -> None:
        """Go to the newest checkpoint, or to the start."""
        self._told_again: list[Record] = []  # records of that step that a tracker is told once more
        remove_leftovers(self.run_folder.path)
        self.engine.interventions = interventions_of(self.run_folder, self.model)
        state = go_on(self.run_folder, self.model, self.engine.optimizer)
        if state is None and (initial := self.config.train.init_from) is not None:
            load_checked(self.model, copied_weights(self.run_folder.path, initial), INITIAL)
        self.begun = True  # from here on the folder is changed
        write_change(self.run_folder)
        if state is None:
            self.run_folder.rewind(None)
            self.run_folder.write_classes(self._classes())
            self.ties = self.run_folder.ties()
            return
        self.engine.sums.restart(state.sums, state.summed)
        self.is_new, self.step = False, state.step
        self._told_again = self.run_folder.rewind(self.step, state)
        keep_classes(self.run_folder, state, self._classes)
        self.ties = self.run_folder.ties()

    def _new_pace(self) -> Pace:
        return Pace(self.step, self.config.train.max_steps, left=partial(Work.left_of, self.config))

    def _classes(self) -> dict[str, Any]:
        return {**self.task.data.described(), "evaluation": self.evaluator.classes()}

    def _sequences(self) -> int:
        return self.step * self.config.train.batch_size


def eval_record(result: EvalResult, *, step: int, sequences: int) -> Record:
    """One line of metrics.jsonl: which metric is the headline and what guessing gives, said with the numbers.

    Args:
        result: what was measured, on one split.
        step: updates before it.
        sequences: sequences seen before it.
    """
    return {
        "split": f"eval_{result.split}",
        "step": step,
        "sequences": sequences,
        "headline": result.headline.metric,
        "chance": result.chance,
        "n_sequences": result.n_sequences,
        "protocol": result.protocol,
        **result.metrics,
    }
