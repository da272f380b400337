"""WebM bytes, read back by FFmpeg."""

from __future__ import annotations

import io

import av
import pytest

from flask_proview.media import webm


def test_a_cluster_lasts_a_second_at_most() -> None:
    builder = webm.ClusterBuilder()
    clusters = [builder.add(webm.VIDEO_TRACK, time_ms, b"x" * 10, time_ms == 0) for time_ms in range(0, 3500, 50)]
    assert [number * 50 for number, cluster in enumerate(clusters) if cluster] == [1000, 2000, 3000]
    assert builder.flush()
    assert builder.flush() is None


def test_a_cluster_has_a_size_limit() -> None:
    builder = webm.ClusterBuilder()
    assert builder.add(webm.VIDEO_TRACK, 0, bytes(webm.MAX_CLUSTER_BYTES), True) is None
    assert builder.add(webm.VIDEO_TRACK, 1, b"x", False) is not None


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_a_cut_file_plays_up_to_its_last_whole_cluster(cut: int) -> None:
    builder = webm.ClusterBuilder()
    parts = [webm.header((640, 480), True)]
    for time_ms in range(0, 3000, 20):
        cluster = builder.add(webm.AUDIO_TRACK, time_ms, b"\xfc" + bytes(20), True)
        if cluster:
            parts.append(cluster)
    whole = b"".join(parts)
    data = whole + (builder.flush() or b"")[:-cut]
    with av.open(io.BytesIO(data), "r", format="webm") as container:
        assert [stream.codec_context.name for stream in container.streams] == ["vp8", "opus"]
        times = [
            packet.pts for packet in container.demux(container.streams[1]) if packet.size and packet.pts is not None
        ]
    assert times[:3] == [0, 20, 40]
    assert max(times) >= 1980


def test_mime_names_what_is_inside() -> None:
    assert webm.mime(True, True) == 'video/webm;codecs="vp8,opus"'
    assert webm.mime(True, False) == 'video/webm;codecs="vp8"'
    assert webm.mime(False, True) == 'audio/webm;codecs="opus"'
