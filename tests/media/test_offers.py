"""What browsers may offer, and what is refused with which code."""

from __future__ import annotations

import pytest
from aiortc import RTCIceCandidate
from aiortc.sdp import SessionDescription

from flask_proview.links import LinkError
from flask_proview.media.offers import Local, parse_offer, render_answer, usable_candidates

FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)


def section(mid: str, kind: str, direction: str = "sendonly", *extra: str) -> list[str]:
    codec = (
        ["a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli"]
        if kind == "video"
        else ["a=rtpmap:111 opus/48000/2"]
    )
    return [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {96 if kind == 'video' else 111}",
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuv",
        FINGERPRINT,
        "a=setup:actpass",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        *codec,
        *extra,
    ]


def make_sdp(*sections: list[str], bundle: str = "0 1") -> str:
    lines = [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {bundle}",
        *(line for part in sections for line in part),
    ]
    return "\r\n".join(lines) + "\r\n"


BOTH = {"0": "camera", "1": "microphone"}
GOOD = make_sdp(section("0", "video"), section("1", "audio"))


def test_a_good_offer_is_read() -> None:
    offer = parse_offer(GOOD, BOTH, sends=True)
    camera, microphone = offer.sections
    assert (camera.name, camera.payload_type, camera.nack, camera.key_frames) == ("camera", 96, True, True)
    assert (microphone.name, microphone.payload_type, microphone.nack) == ("microphone", 111, False)
    assert not offer.active


def test_the_answer_is_valid_and_mirrors_the_offer() -> None:
    offer = parse_offer(
        make_sdp(section("0", "video", "recvonly"), section("1", "audio", "recvonly")), BOTH, sends=False
    )
    local = Local("user", "p" * 22, ":".join(["CD"] * 32), True, ("f 1 udp 1 127.0.0.1 5000 typ host",))
    answer = SessionDescription.parse(
        render_answer(offer, local, sends=True, ssrcs={"camera": 7, "microphone": 8}, cname="c")
    )
    assert [(media.kind, media.rtp.muxId, media.direction, media.rtcp_mux) for media in answer.media] == [
        ("video", "0", "sendonly", True),
        ("audio", "1", "sendonly", True),
    ]
    assert [media.ssrc[0].ssrc for media in answer.media] == [7, 8]
    assert all(media.ice_candidates[0].port == 5000 and media.ice_candidates_complete for media in answer.media)
    assert [codec.name for media in answer.media for codec in media.rtp.codecs] == ["VP8", "opus"]


@pytest.mark.parametrize(
    ("sdp", "tracks", "code"),
    [
        (None, BOTH, "sdp_invalid"),
        ("", BOTH, "sdp_invalid"),
        ("hello", BOTH, "sdp_invalid"),
        ("x" * 70_000, BOTH, "sdp_too_large"),
        (make_sdp(*[section(str(n), "video") for n in range(500)])[:60_000], BOTH, "sdp_media_limit"),
        (GOOD + "a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n" * 65, BOTH, "sdp_candidate_limit"),
        (GOOD + "a=candidate:1 1 udp 1\r\n", BOTH, "sdp_invalid"),
        (GOOD + "a=x\r\n" * 1200, BOTH, "sdp_invalid"),
        (GOOD.replace("m=video 9", "m=video x"), BOTH, "sdp_invalid"),
        (GOOD.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:9999999999999 VP8/x"), BOTH, "sdp_invalid"),
        (GOOD.replace("a=mid:1", "a=mid:0"), BOTH, "track_kind"),
        (make_sdp(section("0", "video"), section("0", "video")), {"0": "camera"}, "sdp_invalid"),
        (make_sdp(section("0", "video"), section("1", "audio"), bundle="0"), BOTH, "sdp_bundle"),
        (GOOD.replace(FINGERPRINT, "a=x"), BOTH, "sdp_fingerprint"),
        (GOOD.replace(FINGERPRINT, "a=fingerprint:sha-1 AB:CD"), BOTH, "sdp_fingerprint"),
        (GOOD.replace(FINGERPRINT, "a=fingerprint:sha-256 AB:CD"), BOTH, "sdp_fingerprint"),
        (GOOD.replace(FINGERPRINT, FINGERPRINT.replace("AB", "AC"), 1), BOTH, "sdp_fingerprint"),
        (GOOD.replace("a=setup:actpass", "a=x"), BOTH, "sdp_fingerprint"),
        (GOOD.replace("a=setup:actpass", "a=setup:both"), BOTH, "sdp_invalid"),
        (GOOD + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n", BOTH, "sdp_crypto"),
        (GOOD + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", BOTH, "sdp_data_channel"),
        (GOOD.replace("VP8", "VP9"), BOTH, "sdp_codec"),
        (GOOD.replace("opus/48000", "opus/8000"), BOTH, "sdp_codec"),
        (GOOD.replace("a=rtcp-mux", "a=x"), BOTH, "sdp_rtcp_mux"),
        (GOOD.replace("a=ice-ufrag:abcd", "a=ice-ufrag:a"), BOTH, "sdp_ice"),
        (GOOD.replace("a=ice-pwd:abcdefghijklmnopqrstuv", "a=ice-pwd:short"), BOTH, "sdp_ice"),
        (GOOD.replace("sendonly", "recvonly"), BOTH, "sdp_direction"),
        (GOOD, {"0": "camera"}, "track_undeclared"),
        (GOOD, {**BOTH, "2": "screen"}, "track_missing"),
        (GOOD, {"0": "microphone", "1": "camera"}, "track_kind"),
        (GOOD, {}, "bad_request"),
        (GOOD, None, "bad_request"),
        (GOOD, ["camera"], "bad_request"),
        (GOOD, {"0": "camera", "1": "camera"}, "bad_request"),
        (GOOD, {"0": "camera", "1": "window"}, "bad_request"),
        (GOOD, {"0": "camera", "1": ["x"]}, "bad_request"),
        (GOOD, {"0\r\na=x": "camera", "1": "microphone"}, "bad_request"),
        (GOOD + "a=ssrc:99999999999 cname:x\r\n", BOTH, "sdp_invalid"),
    ],
)
def test_a_hostile_offer_is_refused(sdp: object, tracks: object, code: str) -> None:
    with pytest.raises(LinkError) as refused:
        parse_offer(sdp, tracks, sends=True)
    assert refused.value.code == code
    assert len(str(refused.value)) < 300


def test_a_viewer_may_not_send() -> None:
    for direction in ("sendrecv", "sendonly", "inactive"):
        with pytest.raises(LinkError) as refused:
            parse_offer(make_sdp(section("0", "video", direction), bundle="0"), {"0": "camera"}, sends=False)
        assert refused.value.code == "sdp_direction"


def test_two_sections_with_one_ssrc_are_refused() -> None:
    sdp = make_sdp(
        section("0", "video", "sendonly", "a=ssrc:5 cname:x"), section("1", "audio", "sendonly", "a=ssrc:5 cname:x")
    )
    with pytest.raises(LinkError, match="same SSRC"):
        parse_offer(sdp, BOTH, sends=True)


def test_only_plain_udp_candidates_are_contacted() -> None:
    def candidate(ip: str, port: int = 9, protocol: str = "udp", component: int = 1) -> RTCIceCandidate:
        return RTCIceCandidate(
            component=component, foundation="f", ip=ip, port=port, priority=1, protocol=protocol, type="host"
        )

    offered = [
        candidate("10.0.0.1"),
        candidate("b4cd.local"),
        candidate("example.com"),
        candidate("10.0.0.2", port=0),
        candidate("10.0.0.3", protocol="tcp"),
        candidate("10.0.0.4", component=2),
        candidate("2001:db8::1"),
        *[candidate(f"10.1.0.{number}") for number in range(40)],
    ]
    usable = usable_candidates(offered, 16)
    assert len(usable) == 16
    assert [c.ip for c in usable[:3]] == ["10.0.0.1", "2001:db8::1", "10.1.0.0"]
