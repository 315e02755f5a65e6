"""Examples and batches as PyTorch tensors; needs the extra `icl-data[torch]`."""

from icl_data.foundation.extras import import_extra

import_extra("torch", "icl-data[torch]", "icl_data.torch")

from icl_data.torch._bank import ExampleBank  # noqa: E402
from icl_data.torch._conversion import to_torch  # noqa: E402
from icl_data.torch._dataset import SequenceDataset, create_sequence_dataloader  # noqa: E402
from icl_data.torch._downsampling import downsample  # noqa: E402

__all__ = ["ExampleBank", "SequenceDataset", "create_sequence_dataloader", "downsample", "to_torch"]
