"""Examples and batches as PyTorch tensors; needs the extra `icl-data[torch]`."""

try:
    import torch as _torch
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError('icl_data.torch needs PyTorch, which is not installed: pip install "icl-data[torch]"') from error

from icl_data.torch._bank import ExampleBank
from icl_data.torch._conversion import to_torch
from icl_data.torch._dataset import SequenceDataset, create_sequence_dataloader
from icl_data.torch._downsampling import downsample

__all__ = ["ExampleBank", "SequenceDataset", "create_sequence_dataloader", "downsample", "to_torch"]

del _torch
