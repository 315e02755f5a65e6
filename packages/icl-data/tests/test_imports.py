"""The package needs NumPy and lazy_loader alone, until its torch or JAX part is asked for, and then not the other."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_package_imports_numpy_lazy_loader_and_the_standard_library_alone() -> None:
    code = (
        "import sys; before = set(sys.modules); import icl_data, icl_data.testing\n"
        "[getattr(icl_data, name) for name in icl_data.__all__]\n"
        "files = [name for name in set(sys.modules) - before if getattr(sys.modules[name], '__file__', None)]\n"
        "roots = {name.partition('.')[0] for name in files}\n"
        "print(*sorted(roots - set(sys.stdlib_module_names) - {'icl_data', 'numpy', 'lazy_loader'}))"
    )
    found = _run(code)
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == []


def test_what_the_four_packages_share_needs_no_numpy() -> None:
    found = _run(
        "import sys, icl_data.foundation.entry, icl_data.foundation.command_line; print('numpy' in sys.modules)"
    )
    assert (found.stdout, found.stderr) == ("False\n", "")


def test_drawing_checking_and_the_command_import_neither_torch_nor_tensorflow() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from icl_data import BatchSampler, Bursty, ClassSplit, GaussianSource, SeqGenerator\n"
        "from icl_data.testing import check_source\n"
        "from icl_data._commands.main import main\n"
        "source = GaussianSource(30)\n"
        "check_source(source)\n"
        "BatchSampler(source, ClassSplit(30, n_rare=20, n_common=5), Bursty(), batch_size=4, seed=0)(0)\n"
        "next(SeqGenerator(source, 20, 5, seed=0).get_bursty_seq())\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])\n"
        "print(*{'torch', 'tensorflow', 'jax'} & set(sys.modules))"
    )
    found = _run(code)
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == []


@pytest.mark.parametrize("name", ["torch", "jax"])
@pytest.mark.parametrize("code", ["import icl_data.{}", "icl_data.SequenceBatch(*[None] * 4).to_{}()"])
def test_missing_library_is_one_line_that_says_what_to_install(name: str, code: str) -> None:
    found = _run(f"import sys; sys.modules['{name}'] = None; import icl_data; {code.format(name)}")
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith("icl_data.foundation.extras.MissingExtra: ")
    assert f'pip install "icl-data[{name}]"' in last


@pytest.mark.parametrize(("used", "other"), [("torch", "jax"), ("jax", "torch")])
def test_each_library_works_without_the_other(used: str, other: str) -> None:
    pytest.importorskip(used)
    found = _run(
        f"import sys; sys.modules['{other}'] = None; import icl_data; from icl_data.{used} import ExampleBank\n"
        "print(ExampleBank(icl_data.GaussianSource(5, dim=4)).gather([0, 1], 0).shape[0])"
    )
    assert found.stdout.strip() == "2", found.stderr


def test_every_public_name_exists() -> None:
    import icl_data

    assert [name for name in icl_data.__all__ if not hasattr(icl_data, name)] == []
