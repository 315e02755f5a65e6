"""Files of saved models as nobody writes them."""

import json
import struct
from typing import Any


def parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and tensors of a safetensors file."""
    end = 8 + struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:end]), content[end:]


def joined(header: Any, tensors: bytes) -> bytes:
    """The inverse; a header that is text is taken as it is."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + tensors


def without_hash(content: bytes, **changes: Any) -> bytes:
    """The file as it was written before there were hashes, with some settings of its config changed."""
    header, tensors = parts(content)
    config = json.loads(header["__metadata__"]["icl_models.config"]) | changes
    return joined({**header, "__metadata__": {"icl_models.config": json.dumps(config)}}, tensors)
