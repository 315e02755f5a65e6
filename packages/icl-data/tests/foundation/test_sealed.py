"""A flipped bit, a cut and a lost line are seen; what was written is read back."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_data.foundation.sealed import (
    Damaged,
    GrowingSeal,
    file_hash,
    seal_object,
    unseal_object,
    whole_sealed_lines,
)

VALUE = {"format": 2, "config": {"name": "é", "steps": [1, 2]}, "environment": {}}
ENTRIES = [{"step": 0, "loss": 3.5}, {}, {"step": 10, "loss": None, "split": "train"}]


def sealed() -> bytes:
    return seal_object(json.dumps(VALUE, indent=1) + "\n").encode()


def grown(entries=ENTRIES) -> tuple[bytes, GrowingSeal]:
    content, seal = b"", GrowingSeal()
    for entry in entries:
        line, seal = seal.line(entry)
        content += line
    return content, seal


def test_a_sealed_object_is_read_back_without_its_hash():
    assert unseal_object(sealed()) == VALUE


def test_a_sealed_object_is_json_for_everybody():
    assert json.loads(sealed())["format"] == 2


def test_every_flipped_bit_of_a_sealed_object_is_seen():
    content = sealed()
    for place in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(Damaged):
            unseal_object(bytes(flipped))


def test_every_cut_of_a_sealed_object_is_seen():
    content = sealed()
    for length in range(len(content)):
        with pytest.raises(Damaged):
            unseal_object(content[:length])


@pytest.mark.parametrize("text", ["{}\n", "{\n}\n", "[\n 1\n]\n", '{"a": 1}'])
def test_what_is_no_object_on_lines_is_not_sealed(text):
    with pytest.raises(ValueError, match="must be a JSON object"):
        seal_object(text)


def test_an_object_sealed_around_no_json_is_damaged():
    body = '{\n "a": '
    text = f'{body},\n "sha256": "{hashlib.sha256(body.encode()).hexdigest()}"\n}}\n'
    with pytest.raises(Damaged, match="must be JSON"):
        unseal_object(text.encode())


@given(st.lists(st.dictionaries(st.text().filter(lambda name: name != "crc32"), st.integers() | st.text() | st.none())))
def test_sealed_lines_are_read_back(entries):
    content, seal = grown(entries)
    read = [json.loads(line) for line in whole_sealed_lines(content).split(b"\n")[:-1]]
    for entry in read:
        del entry["crc32"]
    assert read == entries
    assert GrowingSeal.of(content) == seal


def test_every_flipped_bit_of_sealed_lines_is_seen_or_leaves_out_the_last_line():
    content, seal = grown()
    for place in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        try:
            lines = whole_sealed_lines(bytes(flipped))
        except Damaged:
            continue
        assert lines == content[: len(lines)]
        with pytest.raises(Damaged):
            seal.require_start_of(bytes(flipped))


def test_a_cut_of_sealed_lines_leaves_whole_lines_and_is_seen_by_the_seal():
    content, seal = grown()
    for length in range(len(content)):
        assert content.startswith(whole_sealed_lines(content[:length]))
        with pytest.raises(Damaged, match="bytes that it had"):
            seal.require_start_of(content[:length])


def test_the_first_damaged_line_is_named():
    content, _ = grown()
    with pytest.raises(Damaged, match="line 2 must"):
        whole_sealed_lines(content.replace(b'{"crc32"', b'{"crc33"'))


def test_a_lost_line_in_the_middle_is_named():
    content, _ = grown()
    lines = content.splitlines(keepends=True)
    with pytest.raises(Damaged, match="line 2 must"):
        whole_sealed_lines(lines[0] + lines[2])


def test_a_seal_holds_for_a_file_that_has_grown():
    content, _ = grown()
    _, early = grown(ENTRIES[:2])
    early.require_start_of(content)


def test_an_entry_with_the_seals_name_is_refused():
    with pytest.raises(ValueError, match="no entry named crc32"):
        GrowingSeal().line({"crc32": 1})


def test_a_files_hash_is_its_sha256(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert file_hash(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
