"""Exit codes are what `--help` and the README say they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from icl_data._commands.main import main

COMMAND = [sys.executable, "-c", "import sys; from icl_data._commands.main import main; sys.exit(main())"]
DOCUMENTED = {
    ("show",): {0, 2, 130, 141},
    ("stats",): {0, 2, 130, 141},
    ("sanity-check",): {0, 1, 2, 130, 141},
    ("omniglot", "fetch"): {0, 1, 2, 130, 141},
    ("omniglot", "verify"): {0, 1, 2, 3, 130, 141},
    ("omniglot", "where"): {0, 1, 2, 130, 141},
}


@pytest.mark.parametrize("command", DOCUMENTED, ids=" ".join)
def test_help_and_readme_name_all_exit_codes(command: tuple[str, ...], capsys) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    said = " ".join(capsys.readouterr().out.split()).rpartition("exit codes: ")[2]
    assert {int(code) for code in re.findall(r"(?:^|, )(\d+) ", said)} == DOCUMENTED[command]
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{' '.join(command)}` \|(.*)\|$", readme, re.MULTILINE)
    own = {int(code) for code in re.findall(r"(?:^|[;|]) *(\d+):", row)}
    assert own == DOCUMENTED[command] - {0, 2, 130, 141}


@pytest.mark.parametrize("args", ["show", "stats", "sanity-check", "omniglot verify", "omniglot where"])
def test_ctrl_c_is_exit_code_130(args: str, monkeypatch, capsys) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    names = "show.sequences_from stats.sequences_from sanity_check.find_omniglot omniglot.fetched_folder"
    for name in names.split():
        monkeypatch.setattr(f"icl_data._commands.{name}", interrupt)
    monkeypatch.setattr("icl_data._commands.sanity_check.import_module", lambda name: None)
    assert main(args.split()) == 130
    assert capsys.readouterr().err == f"icl-data {args.split()[0]}: interrupted\n"


def test_interrupted_fetch_says_how_to_go_on(fetch, monkeypatch, capsys) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("icl_data._omniglot.download.os.fsync", interrupt)
    assert fetch() == 130
    assert capsys.readouterr().err == "icl-data omniglot: interrupted; run the same command again to go on\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is another error there")
@pytest.mark.parametrize("args", ["omniglot where", "omniglot verify .", "stats --n 9"])
def test_closed_pipe_is_exit_code_141(args: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([*COMMAND, *args.split()], stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (141, b"")


def test_closed_pipe_is_no_failure_of_a_fetch(fetch, monkeypatch) -> None:
    class Closed:
        def isatty(self) -> bool:
            return False

        def write(self, text: str) -> None:
            raise BrokenPipeError

        def flush(self) -> None:
            pass

    seen = []
    monkeypatch.setattr("icl_data.foundation.command_line.os.dup2", lambda *where: seen.append(where))
    monkeypatch.setattr(Closed, "fileno", lambda stream: 1, raising=False)
    monkeypatch.setattr(sys, "stdout", Closed())
    assert fetch() == 141
    assert len(seen) == 1
