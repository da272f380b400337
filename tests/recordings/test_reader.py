from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_proview.recordings.reader import CLUSTER, EBML, RunReader, Slice, header_of, next_cluster, spans

BODIES = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=20)


def write(path: Path, bodies: dict[int, bytes], order: list[int], junk: bytes = b"") -> dict[int, Slice]:
    """A run's file whose pieces arrived in ``order``, with bytes between them that have no row."""
    slices, data = {}, b""
    for seq in order:
        data += junk
        slices[seq] = Slice(seq, len(data), len(bodies[seq]), seq * 1000, 1000)
        data += bodies[seq]
    path.write_bytes(data + junk)
    return slices


def read_all(reader: RunReader, size: int) -> bytes:
    parts = []
    while data := reader.read(size):
        assert size < 0 or len(data) <= size
        parts.append(data)
    assert reader.read(size) == b""
    return b"".join(parts)


@given(
    BODIES,
    st.randoms(use_true_random=False),
    st.binary(max_size=9),
    st.integers(1, 100) | st.just(-1),
    st.integers(0, 99),
)
def test_any_order_and_junk_reads_as_the_pieces_in_order(
    bodies: list[bytes], random: Random, junk: bytes, size: int, skip: int
) -> None:
    order = list(range(len(bodies)))
    random.shuffle(order)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "run"
        slices = write(path, dict(enumerate(bodies)), order, junk)
        (whole,) = spans(list(slices.values()))
        with RunReader(path, whole, b"head", skip) as reader:
            assert read_all(reader, size) == b"head" + b"".join(bodies)[skip:]


@given(st.sets(st.integers(0, 40)))
def test_spans_are_cut_exactly_where_a_piece_is_missing(seqs: set[int]) -> None:
    parts = spans([Slice(seq, 0, 1, 0, 0) for seq in seqs])
    assert [piece.seq for part in parts for piece in part] == sorted(seqs)
    for part in parts:
        assert [piece.seq for piece in part] == list(range(part[0].seq, part[-1].seq + 1))
    for one, two in zip(parts, parts[1:], strict=False):
        assert two[0].seq > one[-1].seq + 1


@given(BODIES, st.integers(0, 900))
def test_the_next_cluster_is_found_wherever_pieces_cut_it(bodies: list[bytes], at: int) -> None:
    whole = b"".join(bodies)
    position = min(at, len(whole))
    whole = whole[:position] + CLUSTER + whole[position:]
    cuts = [whole[i : i + 3] for i in range(0, len(whole), 3)]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "run"
        slices = write(path, dict(enumerate(cuts)), list(range(len(cuts))))
        assert next_cluster(path, list(slices.values())) == whole.find(CLUSTER)


def test_without_a_cluster_there_is_none(tmp_path: Path) -> None:
    slices = write(tmp_path / "run", {0: CLUSTER[:3], 1: b"x"}, [0, 1])
    assert next_cluster(tmp_path / "run", list(slices.values())) is None


def test_the_header_is_what_stands_before_the_first_cluster(tmp_path: Path) -> None:
    slices = write(
        tmp_path / "run", {0: EBML + b"tracks" + CLUSTER + b"data", 1: b"#EXTM3U", 2: EBML + b"only"}, [1, 0, 2]
    )
    assert header_of(tmp_path / "run", [slices[0]]) == EBML + b"tracks"
    assert header_of(tmp_path / "run", [slices[1]]) is None
    assert header_of(tmp_path / "run", [slices[2]]) == EBML + b"only"


def test_a_file_shorter_than_its_rows_is_an_error_not_an_end(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"12345")
    with RunReader(tmp_path / "run", [Slice(0, 0, 9, 0, 0)]) as reader:
        assert reader.read(5) == b"12345"
        with pytest.raises(OSError, match="shorter on disk"):
            reader.read(5)


def test_nothing_is_asked_for_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"12345")
    with RunReader(tmp_path / "run", [Slice(0, 0, 5, 0, 0)]) as reader:
        assert reader.read(0) == b""
        assert reader.read() == b"12345"
        reader.close()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "run").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic link"):
        RunReader(tmp_path / "run", [Slice(0, 0, 6, 0, 0)])


def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    with open(tmp_path / "run", "wb") as stream:
        stream.truncate(64 * 2**20)
    slices = [Slice(seq, seq * 2**20, 2**20, 0, 0) for seq in range(64)]
    tracemalloc.start()
    with RunReader(tmp_path / "run", slices) as reader:
        while reader.read(32_768):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
