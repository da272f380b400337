from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from flask_proview.recordings.heads import MAX_BYTES, HeadChooser, head_record, second_copy
from flask_proview.recordings.reader import CLUSTER

UUID = "u"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def chosen(*bodies: bytes) -> list[bool]:
    chooser = HeadChooser()
    return [chooser.wants(UUID, "camera", 0, seq, body) for seq, body in enumerate(bodies)]


def test_the_first_piece_is_chosen_and_those_after_it_until_the_header_is_complete() -> None:
    assert chosen(b"head" + CLUSTER, b"more", b"more") == [True, False, False]
    assert chosen(b"h", b"ead", b"er" + CLUSTER + b"x", b"more") == [True, True, True, False]


def test_bytes_that_never_become_a_header_are_not_kept_twice_for_ever() -> None:
    assert chosen(*[b"x" * 400_000] * 10).count(True) == 3
    assert chosen(b"x" * (MAX_BYTES + 1)) == [False]
    assert chosen(*[b"x"] * 50).count(True) == 8


def test_a_copy_is_found_by_run_seq_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "camera.heads"
    path.write_bytes(head_record(0, 0, sha(b"one"), b"one") + head_record(9, 0, sha(b"two"), b"two"))
    assert second_copy(path, 9, 0, sha(b"two")) == b"two"
    assert second_copy(path, 9, 1, sha(b"two")) is None
    assert second_copy(path, 9, 0, sha(b"one")) is None
    assert second_copy(tmp_path / "nothing", 9, 0, sha(b"two")) is None


@pytest.mark.parametrize("torn", range(0, 70, 3))
def test_a_torn_record_does_not_hide_the_ones_behind_it(tmp_path: Path, torn: int) -> None:
    path = tmp_path / "camera.heads"
    half = head_record(0, 0, sha(b"first" * 5), b"first" * 5)[:torn]
    path.write_bytes(half + head_record(0, 0, sha(b"first" * 5), b"first" * 5) + head_record(7, 0, sha(b"b"), b"b"))
    assert second_copy(path, 0, 0, sha(b"first" * 5)) == b"first" * 5
    assert second_copy(path, 7, 0, sha(b"b")) == b"b"


def test_rubbish_ends(tmp_path: Path) -> None:
    path = tmp_path / "camera.heads"
    path.write_bytes(os.urandom(300_000))
    assert second_copy(path, 0, 0, sha(b"x")) is None
    path.write_bytes(b"PVHD" * 20_000)
    assert second_copy(path, 0, 0, sha(b"x")) is None
