"""A profile in words, in any width."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from icl_train._options.page import paragraph
from icl_train._profile.parts import PARTS
from icl_train._profile.products import Product
from icl_train._profile.profile import Profile
from icl_train._runs.pace import duration_text

__all__ = ["told"]

_MOST_PRODUCTS = 6
_BAR = 24


def told(profile: Profile) -> str:
    """What was measured: the parts of an update, its products beside the ceilings, memory, and the whole run.

    Args:
        profile: what was measured.
    """
    blocks = [_head(profile), _parts(profile), _rates(profile), _products(profile), _memory(profile)]
    return "\n\n".join([*blocks, paragraph(_whole_run(profile))])


def _head(profile: Profile) -> str:
    train, model = profile.config.train, profile.config.model
    threads = _count(profile.threads, "thread")
    what = (
        f"{profile.config.preset}: {model.sequence_model}, {_count(model.num_layers, 'layer')}, width {model.emb_dim}, "
        f"{model.embedder} embedder"
    )
    how = (
        f"{_count(train.batch_size, 'sequence')} an update, {train.precision}, on {profile.device}, {threads}, "
        f"engine {profile.engine}"
    )
    return f"{paragraph(what)}\n{paragraph(how)}"


def _parts(profile: Profile) -> str:
    parts = profile.update.parts
    whole = sum(parts.values())
    table = _table("an update's parts", "time", "share", "")
    for name in PARTS:
        share = parts[name] / whole
        table.add_row(name, _seconds(parts[name]), f"{share:.0%}", "#" * round(_BAR * share))
    table.add_row("all of them", _seconds(whole), "", "one after the other, engine eager")
    table.add_row("an update", _seconds(profile.times.update), "", f"as trained, engine {profile.engine}")
    table.add_row("an evaluation", _seconds(profile.times.evaluation))
    table.add_row("a checkpoint", _seconds(profile.times.checkpoint))
    return _text(table)


def _rates(profile: Profile) -> str:
    update, ceilings = profile.update, profile.ceilings
    table = _table("an update", "in all", "reached", "ceiling", "share")
    for name, amount, unit, reached, ceiling in (
        ("operations", update.operations, "FLOP", profile.operations_per_second, ceilings.operations),
        ("bytes", update.memory.moved, "B", profile.bytes_per_second, ceilings.bytes),
    ):
        table.add_row(
            name, _amount(amount, unit), f"{_amount(reached, unit)}/s", f"{_amount(ceiling, unit)}/s",
            f"{reached / ceiling:.0%}",
        )  # fmt: skip
    how = (
        "Operations are those of matrix products, convolutions and attention, as the plain modules make them; bytes "
        "are what parameters, gradients, the optimiser's moments and kept activations move if each pass touches them "
        "once. Ceilings: a large square matrix product, and a large copy, measured just now."
    )
    return f"{_text(table)}\n{paragraph(how)}"


def _products(profile: Profile) -> str:
    products, update = profile.update.products, profile.times.update
    table = _table("products by themselves", "times", "each", "share", "FLOP/s")
    for one in products[:_MOST_PRODUCTS]:
        share = one.count * one.seconds / update
        table.add_row(_shapes(one), str(one.count), _seconds(one.seconds), f"{share:.0%}", _amount(one.rate, ""))
    if rest := products[_MOST_PRODUCTS:]:
        seconds = sum(one.count * one.seconds for one in rest)
        table.add_row(f"{len(rest)} others", str(sum(one.count for one in rest)), "", f"{seconds / update:.0%}")
    rate = profile.update.operations / profile.product_seconds if products else 0.0
    in_all = f"{profile.product_seconds / update:.0%}"
    table.add_row("all of them", "", _seconds(profile.product_seconds), in_all, _amount(rate, ""))
    return _text(table)


def _memory(profile: Profile) -> str:
    memory = profile.update.memory
    pieces = {
        "parameters": memory.parameters,
        "gradients": memory.gradients,
        "optimiser": memory.optimizer,
        "activations": memory.activations,
    }
    told = ", ".join(f"{name} {_amount(size, 'B')}" for name, size in pieces.items())
    if memory.peak is not None:
        told += f"; the {'device' if profile.on_cuda else 'process'} held {_amount(memory.peak, 'B')} at most"
    return paragraph(f"memory: {told}")


def _whole_run(profile: Profile) -> str:
    work, times = profile.work, profile.times
    start = f", and {_seconds(times.start)} more for the first" if times.start >= times.update else ""
    return (
        f"the whole run: about {duration_text(profile.seconds)} on this machine: {_count(work.updates, 'update')} of "
        f"{_seconds(times.update)}, {_count(work.evaluations, 'evaluation')} of {_seconds(times.evaluation)}, "
        f"{_count(work.checkpoints, 'checkpoint')} of {_seconds(times.checkpoint)}{start}"
    )


def _shapes(one: Product) -> str:
    name = one.operation.removeprefix("_scaled_dot_product_")
    return f"{name} {' '.join('x'.join(map(str, shape)) for shape in one.shapes[-2:])}"


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first, overflow="fold")
    for heading in others:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=bool(heading))
    return table


def _text(table: Table) -> str:
    console = Console(file=io.StringIO(), width=80, markup=False, emoji=False, highlight=False, color_system=None)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _seconds(seconds: float) -> str:
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= size or unit == "us":
            return f"{seconds / size:.3g} {unit}"
    raise AssertionError


def _amount(value: float, unit: str) -> str:
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"
