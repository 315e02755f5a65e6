"""When modules may run as fused kernels."""

import pytest
import torch

from icl_models._fused.switch import fused_for, fused_kernels, has_triton


def test_nothing_is_fused_unasked() -> None:
    assert not fused_for(torch.zeros(1))


@pytest.mark.skipif(not has_triton(), reason="needs triton")
def test_tensors_of_a_cpu_are_taken_where_triton_interprets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icl_models._fused.switch.interprets", lambda: True)
    with fused_kernels():
        assert fused_for(torch.zeros(1))


def test_tensors_of_a_cpu_are_left_alone_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icl_models._fused.switch.interprets", lambda: False)
    with fused_kernels():
        assert not fused_for(torch.zeros(1))


def test_the_wish_ends_with_its_block_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icl_models._fused.switch.has_triton", lambda: True)
    monkeypatch.setattr("icl_models._fused.switch.interprets", lambda: True)
    with pytest.raises(RuntimeError), fused_kernels():
        raise RuntimeError
    assert not fused_for(torch.zeros(1))
