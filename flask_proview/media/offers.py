"""SDP offers from browsers, checked before anything is built from them, and the answers. Fails closed, with a code per cause.

Accepted is what our pages send: one bundle of at most four declared audio (Opus) and video (VP8) sections with DTLS fingerprints.
RFC 8866 (SDP), RFC 8829 (JSEP), RFC 9143 (BUNDLE), RFC 8122 (fingerprints).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiortc import RTCDtlsFingerprint, RTCIceCandidate
from aiortc.sdp import MediaDescription, SessionDescription

from flask_proview.links import LinkError

MAX_SDP_BYTES = 64 * 1024
MAX_SECTIONS = 4
MAX_CANDIDATES = 64
MAX_ATTRIBUTES = 1000
KINDS = {"camera": "video", "microphone": "audio", "screen": "video"}
CODECS = {"video": ("VP8", 90_000), "audio": ("opus", 48_000)}
MID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:mid"
_FINGERPRINT_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_MID = re.compile(r"[A-Za-z0-9_.\-]{1,16}")
_ICE_TEXT = re.compile(r"[A-Za-z0-9+/]{4,256}")


@dataclass(frozen=True, slots=True)
class Section:
    """One declared m-line."""

    mid: str
    name: str
    kind: str
    payload_type: int
    clock_rate: int
    nack: bool
    key_frames: bool
    ssrc: int | None
    extension: int
    """Number of the mid header extension, or 0."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A checked offer."""

    sections: tuple[Section, ...]
    username: str
    password: str
    ice_lite: bool
    fingerprints: tuple[RTCDtlsFingerprint, ...]
    active: bool
    """The browser insists on being the DTLS client."""
    candidates: tuple[RTCIceCandidate, ...]


@dataclass(frozen=True, slots=True)
class Local:
    """Our end of the transport, for the answer."""

    username: str
    password: str
    fingerprint: str
    active: bool
    candidates: tuple[str, ...]


def parse_offer(sdp: object, tracks: object, *, sends: bool) -> Offer:
    """Check an offer.

    :param tracks: ``{mid: "camera" | "microphone" | "screen"}``, every section declared once.
    :param sends: the browser sends (publisher) or only receives (viewer).
    :raises LinkError: ``sdp_…`` and ``track_…`` codes.
    """
    if not isinstance(sdp, str) or not sdp:
        raise LinkError("sdp_invalid", "The offer has no SDP.")
    if len(sdp) > MAX_SDP_BYTES:
        raise LinkError("sdp_too_large", f"An offer may have {MAX_SDP_BYTES} bytes, this one has {len(sdp)}.")
    names = _check_tracks(tracks)
    _check_lines(sdp)
    try:
        description = SessionDescription.parse(sdp)
    except Exception:
        # The parser answers malformed lines with whatever its code trips over (AssertionError, KeyError, AttributeError …).
        raise LinkError("sdp_invalid", "The offer is not valid SDP.") from None
    media = description.media
    if not media:
        raise LinkError("sdp_invalid", "The offer has no media.")
    sections = tuple(_section(section, names, sends) for section in media)
    mids = [section.mid for section in sections]
    if len(set(mids)) != len(mids):
        raise LinkError("sdp_invalid", "Two sections have the same mid.")
    missing = set(names) - set(mids)
    if missing:
        raise LinkError("track_missing", f"Declared, but not in the offer: {', '.join(sorted(missing))}.")
    bundled = next((group.items for group in description.group if group.semantic == "BUNDLE"), [])
    if len(mids) > 1 and set(bundled) != set(mids):
        raise LinkError("sdp_bundle", "All sections must be in one bundle.")
    ssrcs = [section.ssrc for section in sections if section.ssrc is not None]
    if len(set(ssrcs)) != len(ssrcs):
        raise LinkError("sdp_invalid", "Two sections have the same SSRC.")
    return _offer(media, sections)


def _check_tracks(tracks: object) -> Mapping[str, str]:
    if not isinstance(tracks, dict) or not 1 <= len(tracks) <= MAX_SECTIONS:
        raise LinkError("bad_request", f"tracks must map 1 to {MAX_SECTIONS} mids to names.")
    if not all(isinstance(mid, str) and _MID.fullmatch(mid) for mid in tracks):
        raise LinkError("bad_request", "A mid is 1 to 16 letters, digits, dots, dashes or underscores.")
    names = list(tracks.values())
    if not all(isinstance(name, str) and name in KINDS for name in names) or len(set(names)) != len(names):
        raise LinkError("bad_request", f"Each track is one of {', '.join(KINDS)}, at most once.")
    return tracks


def _check_lines(sdp: str) -> None:
    """Limits and refusals that need no parser; before it, because it is quadratic in places."""
    lines = sdp.splitlines()
    if sum(line.startswith("m=") for line in lines) > MAX_SECTIONS:
        raise LinkError("sdp_media_limit", f"An offer may have {MAX_SECTIONS} media sections.")
    if sum(line.startswith("a=candidate:") for line in lines) > MAX_CANDIDATES:
        raise LinkError("sdp_candidate_limit", f"An offer may have {MAX_CANDIDATES} candidates.")
    if len(lines) > MAX_ATTRIBUTES:
        raise LinkError("sdp_invalid", f"An offer may have {MAX_ATTRIBUTES} lines.")
    if any(line.startswith("a=crypto") for line in lines):
        raise LinkError("sdp_crypto", "Keys in the SDP (SDES) are refused; use DTLS.")
    if any(line.startswith("m=application") for line in lines):
        raise LinkError("sdp_data_channel", "Data channels are not accepted.")


def _section(media: MediaDescription, names: Mapping[str, str], sends: bool) -> Section:
    mid = media.rtp.muxId
    name = names.get(mid)
    if name is None:
        raise LinkError("track_undeclared", f"The section with mid {mid[:16]!r} was not declared.")
    if media.kind != KINDS[name]:
        raise LinkError("track_kind", f"{name} must be {KINDS[name]}, the offer has {media.kind[:16]!r}.")
    allowed = ("sendonly", "sendrecv", None) if sends else ("recvonly",)
    if media.direction not in allowed:
        raise LinkError("sdp_direction", f"{name} must be {allowed[0]}, the offer has {media.direction}.")
    if not media.rtcp_mux:
        raise LinkError("sdp_rtcp_mux", "RTP and RTCP must share a port (rtcp-mux).")
    wanted, clock_rate = CODECS[media.kind]
    codec = next((c for c in media.rtp.codecs if c.name.lower() == wanted.lower() and c.clockRate == clock_rate), None)
    # 64–95 would look like RTCP (RFC 5761 section 4).
    payload_type = -1 if codec is None or codec.payloadType is None else codec.payloadType
    if codec is None or not (0 <= payload_type < 64 or 95 < payload_type < 128):
        raise LinkError("sdp_codec", f"{name} must offer {wanted}.")
    feedback = {(f.type, f.parameter) for f in codec.rtcpFeedback}
    extension = next((e.id for e in media.rtp.headerExtensions if e.uri == MID_EXTENSION), 0)
    ssrc = media.ssrc[0].ssrc if sends and media.ssrc else None
    if ssrc is not None and not 0 <= ssrc < 1 << 32:
        raise LinkError("sdp_invalid", "An SSRC has 32 bits.")
    return Section(
        mid=mid,
        name=name,
        kind=media.kind,
        payload_type=payload_type,
        clock_rate=clock_rate,
        nack=("nack", None) in feedback,
        key_frames=("nack", "pli") in feedback,
        ssrc=ssrc,
        extension=extension if 1 <= extension <= 14 else 0,
    )


def _offer(media: Sequence[MediaDescription], sections: tuple[Section, ...]) -> Offer:
    ice, dtls = media[0].ice, media[0].dtls
    username, password = (ice.usernameFragment or "", ice.password or "") if ice is not None else ("", "")
    if not (_ICE_TEXT.fullmatch(username) and _ICE_TEXT.fullmatch(password) and len(password) >= 22):
        raise LinkError("sdp_ice", "The offer has no valid ICE user name and password.")
    fingerprints: dict[str, str] = {}
    for section in media:
        if section.dtls is None or not section.dtls.fingerprints:
            raise LinkError("sdp_fingerprint", "Every section needs a DTLS fingerprint and setup.")
        for fingerprint in section.dtls.fingerprints:
            algorithm, value = fingerprint.algorithm.lower(), fingerprint.value.upper()
            size = _FINGERPRINT_BYTES.get(algorithm)
            if size is None:
                continue
            if (
                not re.fullmatch(rf"[0-9A-F]{{2}}(:[0-9A-F]{{2}}){{{size - 1}}}", value)
                or fingerprints.setdefault(algorithm, value) != value
            ):
                raise LinkError("sdp_fingerprint", "The DTLS fingerprints are malformed or contradict each other.")
    if not fingerprints:
        raise LinkError("sdp_fingerprint", "The DTLS fingerprint must be sha-256 or stronger.")
    return Offer(
        sections=sections,
        username=username,
        password=password,
        ice_lite=ice is not None and bool(ice.iceLite),
        fingerprints=tuple(RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints.items()),
        active=dtls is not None and dtls.role == "client",
        candidates=tuple(candidate for section in media for candidate in section.ice_candidates),
    )


def render_answer(offer: Offer, local: Local, *, sends: bool, ssrcs: Mapping[str, int], cname: str) -> str:
    """The answer to a checked offer. ``ssrcs`` (by track name) only when we send."""
    lines = ["v=0", f"o=- {abs(hash(local.username)) & 0x7FFFFFFF} 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines += ["a=group:BUNDLE " + " ".join(section.mid for section in offer.sections), "a=msid-semantic: WMS *"]
    for section in offer.sections:
        lines += _answer_section(section, local, sends)
        if sends:
            # Camera and microphone in one stream, so that the browser plays them in step; the screen on its own.
            stream = "screen" if section.name == "screen" else "candidate"
            ssrc = ssrcs[section.name]
            lines += [
                f"a=msid:{stream} {section.name}",
                f"a=ssrc:{ssrc} cname:{cname}",
                f"a=ssrc:{ssrc} msid:{stream} {section.name}",
            ]
        lines += [f"a=candidate:{candidate}" for candidate in local.candidates] + ["a=end-of-candidates"]
    return "\r\n".join(lines) + "\r\n"


def _answer_section(section: Section, local: Local, sends: bool) -> list[str]:
    codec, payload_type = CODECS[section.kind][0], section.payload_type
    lines = [
        f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {payload_type}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{local.username}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{'active' if local.active else 'passive'}",
        f"a=mid:{section.mid}",
        "a=sendonly" if sends else "a=recvonly",
        "a=rtcp-mux",
        f"a=rtpmap:{payload_type} {codec}/{section.clock_rate}{'/2' if section.kind == 'audio' else ''}",
    ]
    if section.extension and not sends:
        lines.append(f"a=extmap:{section.extension} {MID_EXTENSION}")
    if section.nack:
        lines.append(f"a=rtcp-fb:{payload_type} nack")
    if section.key_frames:
        lines.append(f"a=rtcp-fb:{payload_type} nack pli")
    if section.kind == "video" and not sends:
        lines.append(f"a=rtcp-fb:{payload_type} goog-remb")
    if section.kind == "audio":
        lines.append(f"a=fmtp:{payload_type} minptime=10;useinbandfec=1")
    return lines


def usable_candidates(candidates: Sequence[RTCIceCandidate], limit: int) -> list[RTCIceCandidate]:
    """UDP candidates that are plain addresses. Names (mDNS) are not resolved: the browser's own checks reach us and are learned."""
    usable = []
    for candidate in candidates:
        plain = re.fullmatch(r"[0-9a-fA-F:.]+", candidate.ip) is not None
        if plain and candidate.protocol.lower() == "udp" and candidate.component == 1 and 0 < candidate.port < 65536:
            usable.append(candidate)
    return usable[:limit]
