"""The tables that `icl-eval heads` prints: of many heads the strongest, and names from outside as text."""

import pandas as pd

from icl_eval import measure_heads
from icl_eval._commands.heads import HeadsCommand, _print
from icl_eval._tables.heads import scores_table
from icl_train import RunFolder


def test_of_many_heads_the_strongest_are_shown_though_one_measure_has_but_some():
    values = {"kind": "head", "value": 0.5, "low": 0.4, "high": 0.6, "reference": 0.1}
    rows = [
        values | {"measure": measure, "layer": layer, "head": head}
        for measure in ("induction", "previous_token", "label_copy", "direct", "entropy")
        for layer in range(5)
        for head in range(8)
        if measure != "label_copy" or layer == 0
    ]
    table = scores_table(pd.DataFrame(rows))
    assert table.row_count == 32 + 1  # and that of attention to all tokens alike


def test_why_a_measure_is_missing_moves_no_cursor(small_runs, capsys):
    run = RunFolder.open(small_runs / "two-layers")
    frame = measure_heads(run, sequences=16)
    frame.attrs["blank"] = {"label_copy": "run=a\x1b[31mred\x07 stands between"}
    _print(frame, run, HeadsCommand(run=run.path), [])
    out = capsys.readouterr().out
    assert "no label copy: run=a\\x1b[31mred\\x07 stands between" in out
    assert "\x1b" not in out
