"""What is done to a model while it trains, from update to update."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from types import TracebackType

import torch
from torch import Tensor, nn

from icl_models import InContextModel, capture, edit, site_names
from icl_train._intervening.batch import Batch, answered, current
from icl_train._intervening.edits import answer_with_copies, edit_of, keep_theirs
from icl_train._intervening.others import Others
from icl_train._intervening.parameters import parameters_named
from icl_train._intervening.shifted import FIRST_TOKENS, note_tokens, require_shiftable
from icl_train._interventions.text import intervention_text
from icl_train._interventions.value import Intervention

__all__ = ["Acting", "Embed", "Interventions"]

Embed = Callable[[InContextModel], Tensor]
"""A model → what it embeds the examples of a batch as, (B, S, E)."""


class Acting:
    """The interventions that are in a model now.

    Args:
        interventions: which.
        others: the models of other runs that these hold it to.
    """

    def __init__(self, interventions: tuple[Intervention, ...], others: Others) -> None:
        self.interventions, self.others = interventions, others

    @property
    def draws(self) -> bool:
        """Whether random numbers are drawn for it, which have an order."""
        return any(other.config.example_dropout_prob > 0 for other in self.others.values())

    @contextmanager
    def on(self, labels: Tensor | None, embed: Embed) -> Iterator[None]:
        """Within the block, calls of the model in this thread answer these sequences.

        Args:
            labels: (B, S), the last being the right answers; None if nothing hangs on them.
            embed: a model → what it embeds the examples of these sequences as, (B, S, E); for other runs' models.

        Raises:
            ValueError: without labels that something hangs on.
        """
        token = current.set(Batch(labels))
        try:
            for run, other in self.others.items():
                _, known = answered(f"run={run}")
                # Noise of its own takes none of the numbers that the model's dropout is drawn from.
                devices = [known.device] if known.is_cuda else []
                with torch.no_grad(), torch.random.fork_rng(devices, enabled=self.draws):
                    other.from_embeddings(embed(other), known)
            yield
        finally:
            current.reset(token)


class Interventions:
    """A model and what is done to it: `at` puts in what acts in an update, and takes out what does not.

    As a context manager, it leaves the model as it was.

    Args:
        model: what it is done to; it itself must be called, not what ``torch.compile`` makes of it.
        interventions: what is done.
        others: the models of the runs that they name.

    Raises:
        ValueError: for a name that the model does not have, or an action that its place cannot take.
    """

    def __init__(self, model: InContextModel, interventions: Sequence[Intervention], others: Others) -> None:
        self._model, self._all, self._others = model, tuple(interventions), others
        for one in self._all:
            with _told(one):
                _require_place(model, one, others)
        self._now: tuple[Intervention, ...] = ()
        self._acting: Acting | None = None
        self._put_in = ExitStack()

    def at(self, step: int) -> Acting | None:
        """Put in what acts in an update; None if nothing does.

        Args:
            step: number of the update; the first is 1.
        """
        now = tuple(one for one in self._all if one.acts(step))
        if now != self._now:
            self.close()
            self._put(now)
        return self._acting

    @property
    def draws(self) -> bool:
        """Whether random numbers are drawn for any of them, which have an order."""
        return Acting(self._all, self._others).draws

    def changes(self, last: int) -> list[int]:
        """The first update, and each one in which something else acts than in the one before.

        Args:
            last: number of the last update.
        """
        steps = {1, *(one.start + 1 for one in self._all), *(one.stop + 1 for one in self._all if one.stop is not None)}
        return sorted(step for step in steps if step <= last)

    def close(self) -> None:
        """Take everything out of the model."""
        self._now, self._acting = (), None
        self._put_in.close()

    def __enter__(self) -> Interventions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._now, self._acting = (), None
        self._put_in.__exit__(kind, error, trace)  # edits that nothing came by are no mistake where something failed

    def _put(self, now: tuple[Intervention, ...]) -> None:
        with ExitStack() as stack:
            copies = [one for one in now if one.action == "copy"]
            edits = [one for one in now if one.action not in ("copy", "fix")]
            named = {str(one.to): self._others[str(one.to)] for one in edits if one.action == "run"}
            for one in edits:
                if one.action == "run":
                    stack.enter_context(edit(named[str(one.to)], {one.name: keep_theirs(str(one.to))}))
            for one in [*edits, *copies]:  # copies last: they see the weights as they are used
                stack.enter_context(edit(self._model, {one.name: edit_of(one, self._model)}))
            if any(one.to == "shifted" for one in edits):
                stack.enter_context(edit(self._model, {FIRST_TOKENS: note_tokens()}))
            if copies:
                stack.enter_context(edit(self._model, {"readout": answer_with_copies()}))
            for one in now:
                if one.action == "fix":
                    stack.enter_context(_fixed(parameters_named(self._model, one.name).values()))
            self._put_in = stack.pop_all()
        self._now, self._acting = now, Acting(now, named) if now else None


@contextmanager
def _fixed(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """No gradient for these, so that optimisers pass them over, and their moments."""
    free = [one for one in parameters if one.requires_grad]
    for one in free:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in free:
            one.requires_grad_(True)


@contextmanager
def _told(one: Intervention) -> Iterator[None]:
    """Errors say of which intervention they are."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{intervention_text(one)}: {error}") from error


def _require_place(model: InContextModel, one: Intervention, others: Others) -> None:
    if one.action == "fix":
        parameters_named(model, one.name)
        return
    with capture(model, one.name):
        pass
    whole = [name for name in site_names(model) if fnmatchcase(name, one.name)]
    if one.action in ("pattern", "copy") or one.but:
        for name in whole:  # a head that is not there is refused with those that are
            for head in one.but or (0,):
                with capture(model, f"{name}.{head}"):
                    pass
    if one.action == "pattern" and one.to == "shifted":
        require_shiftable(model)
    if one.name.split(".")[0] == "embedder":
        raise ValueError("a name must be behind the embedder, whose examples are embedded once for all sequences")
    if one.action == "run":
        with capture(others[str(one.to)], one.name):
            pass
