"""Valid files made invalid: seeded changes of bytes, of text and of JSON values."""

from __future__ import annotations

import copy
import json
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Random = np.random.Generator

HUGE = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.5, 1e308, float("inf"), float("-inf"), float("nan"), 10**12, 2**31, 2**63),
    *(
        10**30,
        10**400,
        -(10**400),
        "",
        "x",
        "1",
        "nan",
        "../..",
        "/",
        "\0",
        "\ud800",
        "é\n\x1b[31m",
        "x" * 3000,
        "a.b:c",
    ),
    *([], {}, [None], [[]], {"": 0}, [0] * 50, [-1], ["x"], [1e400], {"format": 1}, [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]),
)
ODD_WORDS = (
    *(
        b"null",
        b"true",
        b"-1",
        b"0",
        b"1e999",
        b"-1e999",
        b"NaN",
        b"1" * 400,
        b'""',
        b'"\\ud800"',
        b"[]",
        b"{}",
        b"[" * 3000,
    ),
    *(
        b"{" * 300,
        b"9223372036854775808",
        b"0.1",
        b"'",
        b'"',
        b"\x00",
        b"\xff\xfe",
        b"\n",
        b"&a [*a]",
        b"!!python/none",
        b"<<",
    ),
)


def pick(options: Sequence[Any], random: Random) -> Any:
    """One of some options."""
    return options[int(random.integers(len(options)))]


def mutated(original: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """A file with one to four changes, each of another kind and place: flipped bits, lost or added bytes, huge numbers.

    Args:
        original: the file.
        random: draws all that is drawn.
        others: files of the same sort, of which pieces may be spliced in.
    """
    content = bytearray(original)
    for _ in range(int(random.choice([1, 1, 1, 2, 4]))):
        if not content:
            break
        pick(_CHANGES, random)(content, random, others or (original,))
    return bytes(content)


def _flip(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    for _ in range(int(random.choice([1, 1, 1, 2, 8]))):
        content[int(random.integers(len(content)))] ^= 1 << int(random.integers(8))


def _set(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    content[int(random.integers(len(content)))] = int(random.integers(256))


def _truncate(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    del content[int(random.integers(len(content))) :]


def _drop(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    start, length = int(random.integers(len(content))), int(2 ** random.uniform(0, 8))
    del content[start : start + length]


def _insert(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    start, length = int(random.integers(len(content) + 1)), int(2 ** random.uniform(0, 10))
    run = random.bytes(length) if random.random() < 0.5 else bytes([int(random.integers(256))]) * length
    content[start:start] = run


def _repeat(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    start, length = int(random.integers(len(content))), int(2 ** random.uniform(2, 9))
    content[start:start] = bytes(content[start : start + length]) * int(random.choice([1, 2, 30]))


def _splice(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    other = pick(others, random)
    start, length = int(random.integers(len(other) or 1)), int(2 ** random.uniform(2, 10))
    place = int(random.integers(len(content)))
    content[place : place + length] = other[start : start + length]


def _huge(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    size = int(random.choice([1, 2, 4, 8]))
    number = (int(pick(HUGE, random)) + int(random.integers(-1, 2))) % 2 ** (8 * size)
    # Lengths and counts are at the beginning of most formats, and in the last bytes of a zip.
    span = len(content) if random.random() < 0.5 else min(len(content), 128)
    place = int(random.integers(span)) if random.random() < 0.7 else len(content) - 1 - int(random.integers(span))
    content[place : place + size] = struct.pack(f"{pick('<>', random)}{'BHIQ'[size.bit_length() - 1]}", number)


def _number(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """A number that is written in decimals, such as a shape in a header, becomes another of as many or more digits."""
    numbers = list(re.finditer(rb"\d+", bytes(content[:4096])))
    if numbers:
        chosen = pick(numbers, random)
        content[chosen.start() : chosen.end()] = str(pick(HUGE, random)).encode()


_CHANGES: tuple[Callable[[bytearray, Random, Sequence[bytes]], None], ...] = (
    *(_flip, _set, _truncate, _drop, _insert, _repeat, _splice, _huge, _huge, _number),
)


def mutated_text(original: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """A text with a word of it in another's place, a line twice or gone, or bytes changed as in `mutated`."""
    chance = random.random()
    if chance < 0.4:
        return mutated(original, random, others)
    if chance < 0.75:
        words = list(re.finditer(rb"[\w.+-]+|\"[^\"\n]*\"|[\[\]{}:,=]", original))
        if not words:
            return mutated(original, random, others)
        old, by = pick(words, random), pick(ODD_WORDS, random)
        if random.random() < 0.3:
            by = pick(words, random)[0]
        return original[: old.start()] + by + original[old.end() :]
    lines = original.splitlines(keepends=True) or [b""]
    place = int(random.integers(len(lines)))
    lines[place : place + 1] = pick(([], [lines[place]] * 2, [pick(lines, random)], [lines[place].lstrip()]), random)
    return b"".join(lines)


def changed_value(value: Any, random: Random) -> Any:
    """A JSON value with one to three of its parts odd, missing, new, or in another's place."""
    value = copy.deepcopy(value)
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        value = _change(value, random)
    return value


def _change(value: Any, random: Random) -> Any:
    places = _places(value)
    if not places or random.random() < 0.01:
        return pick(ODD_VALUES, random)
    holder, key = pick(places, random)
    chance = random.random()
    if chance < 0.7:
        holder[key] = copy.deepcopy(pick(ODD_VALUES, random))
    elif chance < 0.8:
        del holder[key]
    elif chance < 0.9:
        other, place = pick(places, random)
        holder[key] = copy.deepcopy(other[place])
    elif isinstance(holder, dict):
        holder[pick(("", "x", "format", "\ud800", f"{key}s", "config"), random)] = copy.deepcopy(
            pick(ODD_VALUES, random)
        )
    else:
        holder.insert(int(random.integers(len(holder) + 1)), copy.deepcopy(pick(ODD_VALUES, random)))
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(items):
        found += [(value, key), *_places(part)]
    return found


def json_bytes(value: Any) -> bytes:
    """As JSON; what has no JSON is written as Python does (NaN), and huge numbers in full."""
    return json.dumps(value, indent=1).encode("utf-8", "surrogatepass") + b"\n"
