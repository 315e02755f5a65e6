"""Reading what another implementation left: a broken file is one line that says what is wrong, and where."""

import os
import re

import pytest

from icl_eval._comparison import archive
from icl_eval._comparison.archive import read_archive, read_archives

HEADER = "step,metric,value\n"


@pytest.fixture
def written(tmp_path):
    def write(content, name="a.csv"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


def test_values_are_read_by_metric_and_step_in_the_order_of_steps(written):
    file = written(HEADER + "10,train/loss,2.5\n0,train/loss,3\n10,eval_x/accuracy,.5\n")
    assert read_archive(file).metrics == {"train/loss": {0: 3.0, 10: 2.5}, "eval_x/accuracy": {10: 0.5}}


@pytest.mark.parametrize(
    "content",
    [
        "value,note,metric,step\n2.5,x,a,10\n",
        "\ufeffstep,metric,value\n10,a,2.5\n",
        "step, metric, value\r\n10.0, a, 2.5e0\r\n\r\n",
        "step,metric,value\n10,a,2.5,,\n",
    ],
    ids=["other columns in another order", "a byte-order mark", "spaces, whole floats and empty lines", "empty cells"],
)
def test_what_other_tools_write_is_read(written, content):
    assert read_archive(written(content)).metrics == {"a": {10: 2.5}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "columns step, metric, value, got nothing in"),
        ("\n", "columns step, metric, value, got nothing in"),
        (HEADER, "rows below its header, got none in"),
        ("step,metrics,value\n0,a,1\n", "columns step, metric, value, got step, metrics, value in"),
        ("step,metrics,value\n0,a,1\n", "did you mean metrics?"),
        ("step;metric;value\n0;a;1\n", "got step;metric;value in"),
        ("step,metric,value,step\n0,a,1,0\n", "each column once, got step twice"),
        (HEADER + "0,a,1\n5,a\n", "as many cells as the header, 3, got 2 in row 3"),
        (HEADER + "0,a,0,5\n", "as many cells as the header, 3, got 4 in row 2"),
        (HEADER + "0,eval_x/accuracy_closed,97.5\n", "an accuracy in [0, 1], got '97.5' in row 2"),
        (HEADER + "0,a,-1e308\n", "between -1e+100 and 1e+100, got '-1e308' in row 2"),
        (HEADER + "0,a,high\n", "finite number, got 'high' in row 2"),
        (HEADER + "0,a,nan\n", "finite number, got 'nan' in row 2"),
        (HEADER + "0,a,1e999\n", "finite number, got '1e999' in row 2"),
        (HEADER + "0,a,\n", "finite number, got '' in row 2"),
        (HEADER + "2.5,a,1\n", "whole number of updates that is not negative, got '2.5' in row 2"),
        (HEADER + "-1,a,1\n", "not negative, got '-1' in row 2"),
        (HEADER + "nan,a,1\n", "not negative, got 'nan' in row 2"),
        (HEADER + "9" * 30 + ",a,1\n", "not negative, got '999999"),
        (HEADER + "0,,1\n", "metric must not be empty, got nothing in row 2"),
        (HEADER + "0,a,1\n0,a,2\n", "each step once, got a at step 0 again in row 3"),
        ((HEADER + "0,a,1\n").encode("utf-16"), "UTF-8 text, got the byte 0xff"),
        (HEADER.encode() + b"0,caf\xe9,1\n", "UTF-8 text, got the byte 0xe9"),
        (HEADER + "0," + "a" * 200_000 + ",1\n", "must be CSV, got"),
    ],
)
def test_a_broken_file_is_refused_with_what_is_wrong_and_where(written, content, said):
    file = written(content)
    with pytest.raises(ValueError, match=re.escape(said)) as refusal:
        read_archive(file)
    assert str(file) in str(refusal.value)


def test_a_huge_file_is_refused_before_it_is_read(written, monkeypatch):
    file = written(HEADER + "0,a,1\n")
    os.truncate(file, 3 * archive.MOST_BYTES)  # sparse: it takes no room
    monkeypatch.setattr(archive.csv, "reader", lambda text: pytest.fail("it is read"))
    with pytest.raises(ValueError, match="at most 100 MB, got 300 MB"):
        read_archive(file)


def test_a_pipe_is_refused_without_waiting_for_its_end(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="must be CSV files or folders of runs, got"):
        read_archive(tmp_path / "pipe")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.csv, which does not exist"):
        read_archive(tmp_path / "gone.csv")


def test_seeds_at_different_steps_are_refused_with_the_step_and_both_files(written):
    files = [written(HEADER + "0,a,1\n10,a,2\n", "one.csv"), written(HEADER + "0,a,1\n20,a,2\n", "two.csv")]
    with pytest.raises(ValueError, match=r"same steps, got a at step 10 in .*one\.csv alone \(not in .*two\.csv\)"):
        read_archives(files, name="theirs")


def test_a_copy_is_no_further_seed(written):
    files = [written(HEADER + "0,a,1\n", "one.csv"), written(HEADER + "0,a,1.0\n", "two.csv")]
    with pytest.raises(ValueError, match=r"different seeds, got .*two\.csv, which holds the same as .*one\.csv"):
        read_archives(files, name="theirs")


def test_metrics_that_not_all_seeds_have_are_no_metrics_of_the_side(written):
    files = [written(HEADER + "0,a,1\n0,b,1\n", "one.csv"), written(HEADER + "0,a,2\n0,c,1\n", "two.csv")]
    assert read_archives(files, name="theirs").metrics() == ["a"]
