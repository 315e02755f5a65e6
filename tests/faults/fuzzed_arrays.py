"""Fuzzers of what icl-data reads: Omniglot's zips and images, image folders, array files."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fuzzing import MIB, Fuzzer, Prepared
from mutation import HUGE, Random, mutated, pick

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PART = "images_background"


def chunk(name: bytes, content: bytes) -> bytes:
    """A piece of a PNG file, with its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(random: Random, *, header: bytes | None = None, lines: bytes | None = None) -> bytes:
    """A one-bit drawing of 105x105, as Omniglot's are."""
    header = header or struct.pack(">IIBBBBB", 105, 105, 1, 0, 0, 0, 0)
    if lines is None:
        rows = random.integers(256, size=(105, 15), dtype=np.uint8)
        rows[:, 0] = random.integers(5, size=105)  # every filter
        lines = rows.tobytes()
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def wrong_png(original: bytes, random: Random) -> bytes:
    """A PNG whose checksums are right and whose header, data or order of chunks are not; or one with changed bytes."""
    if random.random() < 0.5:
        return mutated(original, random)
    header = bytearray(original[16:29])
    chance = random.random()
    if chance < 0.4:
        struct.pack_into(">I", header, int(random.choice([0, 4])), int(pick(HUGE, random)) % 2**32)
        return png(random, header=bytes(header))
    if chance < 0.5:
        header[int(random.integers(8, 13))] = int(random.integers(256))
        return png(random, header=bytes(header))
    length = int(pick((0, 1, 1574, 1576, 100_000, 3_000_000 if random.random() < 0.02 else 30_000), random))
    if chance < 0.8:
        return png(random, lines=bytes(length))
    if chance < 0.9:
        return png(random, lines=bytes([int(random.integers(256))]) + bytes(1574))
    many = chunk(b"IDAT", b"") * int(random.integers(1, 3000))
    return original[:33] + many + original[33:]


def zipped(files: dict[str, bytes], *, stored: bool = False) -> bytes:
    """A zip of files."""
    beside = io.BytesIO()
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return beside.getvalue()


def _zip(folder: Path) -> Prepared:
    from icl_data import OmniglotSource

    random = np.random.default_rng(0)
    names = [f"{PART}/Greek/character{c:02d}/{c:04d}_{d:02d}.png" for c in (1, 2) for d in (1, 2)]
    files = {name: png(random) for name in names}
    originals = [zipped(files), zipped(files, stored=True)]
    place = folder / f"{PART}.zip"

    def draw(random: Random) -> bytes:
        if random.random() < 0.7:
            return mutated(pick(originals, random), random, originals)
        changed = dict(files)
        name = pick(names, random)
        chance = random.random()
        if chance < 0.5:
            changed[name] = wrong_png(changed[name], random)
        elif chance < 0.7:
            del changed[name]
        else:
            wrong = (
                f"{PART}/Greek/character{pick(HUGE, random)}/{int(random.integers(10**4)):04d}_{pick(HUGE, random)}.png"
            )
            changed[wrong] = changed.pop(name)
        return zipped(changed)

    def read(content: bytes) -> None:
        place.write_bytes(content)
        source = OmniglotSource(folder, split="train", cache=False)
        source.gather(np.array([0]), np.array([0]))

    bomb = zipped({**files, names[0]: png(random, lines=bytes(400_000_000))})
    lying = bytearray(originals[0])
    where = lying.find(b"PK\x01\x02")
    lying[where + 42 : where + 46] = struct.pack("<I", 2**32 - 1)  # the first entry's place
    big = zipped({**files, f"{PART}/Greek/character03/0003_01.png": bytes(400_000_000)})
    return Prepared(draw, read, {"bomb-in-image": bomb, "entry-nowhere": bytes(lying), "bomb-in-zip": big})


def _png(folder: Path) -> Prepared:
    from icl_data import OmniglotSource

    random = np.random.default_rng(1)
    originals = [png(random) for _ in range(4)]
    place = folder / PART / "Greek" / "character01" / "0001_01.png"
    place.parent.mkdir(parents=True)

    def read(content: bytes) -> None:
        place.write_bytes(content)
        OmniglotSource(folder, split="train", cache=False)

    return Prepared(
        lambda random: wrong_png(pick(originals, random), random),
        read,
        {
            "bomb": png(random, lines=bytes(400_000_000)),
            "no-data": SIGNATURE + originals[0][8:33],
            "length-beyond-end": originals[0][:33] + struct.pack(">I", 2**32 - 1) + originals[0][37:],
        },
    )


def _images(folder: Path) -> Prepared:
    from PIL import Image

    from icl_data import ImageFolderSource

    random = np.random.default_rng(2)
    originals = []
    pixels = random.integers(256, size=(8, 8), dtype=np.uint8)
    for mode in ("L", "RGB", "1", "P"):
        for kind in ("PNG", "GIF", "BMP", "JPEG", "TIFF", "WEBP"):
            if (mode, kind) in {("P", "JPEG"), ("1", "WEBP"), ("P", "WEBP"), ("L", "WEBP")}:
                continue
            beside = io.BytesIO()
            Image.fromarray(pixels).convert(mode).save(beside, kind)
            originals.append(beside.getvalue())
    place = folder / "classes" / "a" / "1.png"  # Pillow goes by what is in a file, not by its name
    place.parent.mkdir(parents=True)

    def draw(random: Random) -> bytes:
        return mutated(pick(originals, random), random, originals)

    def read(content: bytes) -> None:
        place.write_bytes(content)
        ImageFolderSource(folder / "classes")

    def sized(width: int, height: int) -> bytes:
        header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
        return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")

    known = {
        "vast": sized(2**31 - 1, 2**31 - 1),
        "large": sized(30_000, 5_000),
        "larger": sized(13_000, 13_000),
        "thin": sized(2**31 - 1, 1),
    }
    return Prepared(draw, read, known)


def _array_file(originals: list[bytes], place: Path, known: dict[str, bytes]) -> Prepared:
    from icl_data import ArraySource

    def read(content: bytes) -> None:
        place.write_bytes(content)
        open_file = ArraySource.from_h5 if place.suffix == ".h5" else ArraySource.from_npz
        source = open_file(place)
        last = np.array([source.n_classes - 1])
        source.gather(last, np.array([source.n_exemplars - 1]))

    return Prepared(lambda random: mutated(pick(originals, random), random, originals), read, known)


def _npy_bytes(header: str, version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode("latin1")
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + bytes(64)


def _numpy(folder: Path) -> Prepared:
    vectors = np.linspace(-1, 1, 2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    arrays = [vectors, np.arange(6).reshape(2, 3), np.full((2, 1, 4, 4), 7, np.uint8), np.asfortranarray(vectors)]
    originals = []
    for array in arrays:
        for save in (np.save, np.savez, np.savez_compressed):
            beside = io.BytesIO()
            save(beside, array)
            originals.append(beside.getvalue())
    beside = io.BytesIO()
    np.lib.format.write_array(beside, vectors, version=(2, 0))
    originals.append(beside.getvalue())

    def header(shape: str, kind: str = "<f4") -> str:
        return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n"

    deflated = io.BytesIO()
    with zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", _npy_bytes(header("(3000, 10, 10000)")))
    known = {
        "vast": _npy_bytes(header("(4000000000, 4000000000, 4)")),
        "negative": _npy_bytes(header("(-1, -1, 4)")),
        "no-shape": _npy_bytes(header("'x'")),
        "truth": _npy_bytes(header("(True, True, 4)")),
        "objects": _npy_bytes(header("(1, 1, 1)", "|O")),
        "no-tokens": _npy_bytes("{'descr': '''"),
        "deep": _npy_bytes("(" * 9000),
        "long-number": _npy_bytes(header(f"(1{'0' * 5000}, 1, 1)")),
        "compressed-vast": deflated.getvalue(),
        "no-item-size": _npy_bytes(header("(2, 2, 2)", "|V0")),
        "times": _npy_bytes(header("(2, 2, 2)", "<M8[ns]")),
    }
    return _array_file(originals, folder / "arrays.npz", known)


def _h5(folder: Path) -> Prepared:
    import h5py

    vectors = np.linspace(-1, 1, 2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    originals = []
    for number, options in enumerate(({}, {"compression": "gzip"}, {"chunks": (1, 3, 4), "shuffle": True})):
        place = folder / f"{number}.h5"
        with h5py.File(place, "w") as file:
            file.create_dataset("group/x", data=vectors, **options)
        originals.append(place.read_bytes())

    def written(make: Callable[[h5py.File], object]) -> bytes:
        place = folder / "known.h5"
        with h5py.File(place, "w") as file:
            make(file)
        return place.read_bytes()

    known = {
        "vast": written(lambda f: f.create_dataset("x", (10**6, 10**6, 10**3), "f4", chunks=(1, 1, 10))),
        "text": written(lambda f: f.create_dataset("x", data=[[["a"]]], dtype=h5py.string_dtype())),
        "link-to-itself": written(lambda f: f.__setitem__("x", h5py.SoftLink("/x"))),
        "outside": written(lambda f: f.__setitem__("x", h5py.ExternalLink("/dev/zero", "/x"))),
        "no-axis": written(lambda f: f.create_dataset("x", data=1.0)),
        "no-space": written(lambda f: f.create_dataset("x", data=h5py.Empty("f4"))),
    }
    return _array_file(originals, folder / "arrays.h5", known)


FUZZERS = (
    Fuzzer("zip", _zip),
    Fuzzer("png", _png),
    Fuzzer("images", _images, most_memory=1280 * MIB),  # Pillow holds an image several times while it is turned
    Fuzzer("numpy", _numpy),
    Fuzzer("h5", _h5),
)
