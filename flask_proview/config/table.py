"""Every setting, once: name, type, default, parser and one sentence of help.

The dataclass fields *are* the table; proview.toml, dict, Flask config, environment, ``proview init`` and
docs/configuration.md are readers of it (``fields_of``). A :class:`Config` is frozen; nothing reads the environment later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

from flask_proview.languages import LANGUAGES
from flask_proview.origins import DomainSet, Origin

from . import parsers as p
from .event_weights import STAKES, EventWeights, parse_event_weights
from .session_types import DEFAULTS, SESSION_TYPES, SessionTypes, parse_types

T = TypeVar("T")


def setting(default: T, parse: Callable[[object], T], text: str) -> T:
    """A field of the table. ``parse`` gets the raw value and raises ``ValueError`` with the way out."""
    if isinstance(default, (list, dict)):
        raise TypeError("defaults must be immutable")
    return field(default=default, metadata={"parse": parse, "help": text})


def required(parse: Callable[[object], T], text: str) -> T:
    """A field without a default."""
    return field(metadata={"parse": parse, "help": text})  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    cert: str
    key: str


@dataclass(frozen=True, slots=True)
class Video:
    """One captured picture: pixels, frames per second, target kbit/s."""

    width: int
    height: int
    fps: int
    kbps: int


def _address(raw: object) -> Address:
    return Address(*p.host_port(raw))


def _tls(raw: object) -> Tls | None:
    values = p.table(raw, {"cert": p.text, "key": p.text})
    return Tls(values["cert"], values["key"])


def _video(default: Video) -> Callable[[object], Video]:
    def parse(raw: object) -> Video:
        values = p.table(
            raw,
            {
                "width": p.integer(16, 7680),
                "height": p.integer(16, 4320),
                "fps": p.integer(1, 60),
                "kbps": p.integer(32, 20_000),
            },
            optional=True,
        )
        return Video(**{name: values.get(name, getattr(default, name)) for name in ("width", "height", "fps", "kbps")})

    return parse


# 640x480 at 15 is what the reference machine encodes for 0.24 core; text on a 720p screen stays readable at 5 fps.
CAMERA = Video(640, 480, 15, 300)
SCREEN = Video(1280, 720, 5, 400)


@dataclass(frozen=True, slots=True)
class Server:
    listen: Address = setting(Address("127.0.0.1", 8000), _address, "Address the web process listens on: HOST:PORT.")
    public_url: str | None = setting(
        None,
        p.origin_url,
        "Origin under which browsers reach us, e.g. https://exam.example.edu; default: from the request.",
    )
    mount: str = setting(
        "/proview", p.mount, "URL prefix of everything of ours; must not collide with the application."
    )
    upstream: str | None = setting(
        None, p.upstream, "The legacy application to put us in front of, e.g. http://127.0.0.1:8080."
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), p.networks, "Networks of proxies in front of us whose X-Forwarded-* headers are believed."
    )
    workers: int = setting(1, p.integer(1, 64), "Web worker processes; more than one needs bus.url = redis://…")
    held_polls: int = setting(
        0,
        p.integer(0, 1000),
        "Polls that one threaded server process may hold open; each occupies a thread (docs/operating.md).",
    )
    tls: Tls | None = setting(None, _tls, "{ cert, key }: PEM files, to serve HTTPS without a front server.")
    upstream_connect_s: float = setting(5.0, p.seconds(0.1, 120), "Seconds to wait for a connection to the upstream.")
    upstream_read_s: float = setting(60.0, p.seconds(1, 3600), "Seconds to wait for the upstream's next bytes.")
    upstream_pool: int = setting(
        64, p.integer(1, 4096), "Connections to the upstream, per worker; WebSockets and event streams come on top."
    )
    max_upload_mb: int = setting(1024, p.integer(1, 1_000_000), "Largest request body passed to the upstream, in MiB.")


@dataclass(frozen=True, slots=True)
class Secrets:
    keys: tuple[str, ...] = required(
        p.secret_keys,
        "Signing keys, oldest first; the last one signs. At least 32 characters each (or env PROVIEW_SECRET_KEYS).",
    )


@dataclass(frozen=True, slots=True)
class Storage:
    database: str = setting(
        "sqlite:///var/proview.db", p.database, "SQLAlchemy URL of the database: sqlite or postgresql."
    )
    recordings: str = setting("var/recordings", p.text, "Directory of the recordings.")
    min_free_mb: int = setting(
        512,
        p.integer(0, 10_000_000),
        "Free space that ingest leaves on the disk, in MiB; below it pieces are answered 507.",
    )
    objects: str | None = setting(
        None,
        p.object_store,
        "Second place for ended sessions: s3://BUCKET/PREFIX (credentials by AWS_*), or file:///DIRECTORY; see storage.md.",
    )
    local_days: int | None = setting(
        None,
        p.integer(0, 36_500),
        "With objects: days after the end of limits.drain_grace_minutes until a copied session's local files go; default: never.",
    )
    scrub_days: int = setting(
        30, p.integer(0, 3650), "Every stored byte is compared with its digest once in so many days; 0: never."
    )
    scrub_mb_s: int = setting(16, p.integer(1, 10_000), "How fast this reads, MiB per second.")


@dataclass(frozen=True, slots=True)
class Bus:
    url: str = setting("memory://", p.bus_url, "How web workers tell each other: memory:// (one worker) or redis://…")


@dataclass(frozen=True, slots=True)
class Media:
    link: str = setting("unix:var/media.sock", p.link, "Where web finds the media process: unix:PATH or tcp:HOST:PORT.")
    udp_ports: tuple[int, int] | None = setting(
        None, p.port_range, "[low, high] UDP ports of live media; default: any."
    )
    host_addresses: tuple[str, ...] = setting(
        (), p.addresses, "Local addresses offered to browsers; default: all of the machine."
    )
    public_ip: str | None = setting(None, p.address, "Public address when the machine is behind one-to-one NAT.")
    ice_servers: tuple[Mapping[str, Any], ...] = setting(
        (), p.ice_servers, "STUN and TURN servers given to browsers: [{ urls, username, credential }]."
    )
    live: str = setting(
        "on-demand", p.choice("on-demand", "always", "off"), "When a candidate's browser opens the live connection."
    )


@dataclass(frozen=True, slots=True)
class Capture:
    video_codec: str = setting(
        "vp8", p.choice("vp8", "vp9", "h264", "av1"), "Codec of the recorded video; every browser records vp8."
    )
    camera: Video = setting(CAMERA, _video(CAMERA), "{ width, height, fps, kbps } of the camera.")
    screen: Video = setting(SCREEN, _video(SCREEN), "{ width, height, fps, kbps } of the screen.")
    audio_kbps: int = setting(32, p.integer(6, 256), "Opus bit rate of the microphone, kbit/s.")


@dataclass(frozen=True, slots=True)
class Limits:
    session_minutes: int = setting(90, p.integer(1, 1440), "Longest session.")
    on_limit: str = setting(
        "rollover", p.choice("rollover", "stop"), "At the limit: go on in a linked session, or stop."
    )
    slice_ms: int = setting(1000, p.integer(100, 10_000), "Length of a recorded slice (piece), ms.")
    client_buffer_mb: int = setting(512, p.integer(16, 8192), "What the browser may hold unsent, MiB.")
    max_session_mb: int = setting(4096, p.integer(1, 1_000_000), "What one session may store, MiB.")
    max_piece_mb: int = setting(16, p.integer(1, 64), "Largest piece, MiB.")
    drain_grace_minutes: int = setting(
        10_080, p.integer(1, 525_600), "How long after its end a session accepts late pieces."
    )
    drain_deadline_s: int = setting(
        20, p.integer(1, 600), "Longest wait of ProctorClient3.stop for unsent pieces, seconds."
    )
    heartbeat_s: int = setting(5, p.integer(1, 60), "Interval of the browser's heartbeat, seconds.")
    heartbeat_timeout_s: int = setting(
        60, p.integer(3, 86_400), "A session without heartbeat for this long is closed, seconds."
    )
    idle_s: int = setting(60, p.integer(5, 3600), "No keyboard or mouse for this long is 'User Idle', seconds.")
    silence_s: int = setting(120, p.integer(5, 3600), "No sound for this long is 'Microphone Silent', seconds.")
    launch_minutes: int = setting(720, p.integer(1, 10_080), "Lifetime of a launch token.")
    session_token_minutes: int = setting(
        15, p.integer(1, 1440), "Lifetime of a session token; refreshed over the live session."
    )
    ticket_minutes: int = setting(60, p.integer(1, 1440), "Longest lifetime of a playback ticket.")
    login_hours: int = setting(12, p.integer(1, 168), "Longest console login.")
    login_idle_minutes: int = setting(30, p.integer(1, 1440), "A console login unused for this long ends.")
    starts_per_minute: int = setting(
        60, p.integer(1, 100_000), "Session starts per account and address without a launch token."
    )
    events_per_session: int = setting(50_000, p.integer(100, 10_000_000), "Events one session may store.")


@dataclass(frozen=True, slots=True)
class Account:
    name: str = required(p.identifier, "Name in the console and in tokens.")
    token: str = required(p.account_token, "The public account token of the snippet; a label, not a secret.")
    domains: DomainSet = required(
        DomainSet.parse,
        "Origins of the protected pages: a bare host means https on 443; http, ports and one left-most * are written out.",
    )
    require_launch: bool = setting(
        True, p.boolean, "Refuse sessions without a signed launch token (pages not injected by us)."
    )
    callback_url: str | None = setting(None, p.http_url, "Where the termination callback is posted.")
    callback_secret: str | None = setting(None, p.secret, "HMAC key of the callback signature.")
    callback_when: str = setting(
        "auto",
        p.choice("auto", "finalised", "rated"),
        "When the callback is posted: with the recording, or when a person has rated it; auto: with the recording for "
        "ai_proctor, rated for the other types.",
    )
    api_key: str | None = setting(None, p.secret, "Key for back ends that ask for playback tokens (X-Api-Key).")
    api_networks: tuple[str, ...] = setting(
        (), p.networks, "Addresses of back ends that may ask for playback tokens without a key."
    )
    session_type: str = setting("ai_proctor", p.choice(*SESSION_TYPES), "Default session type.")
    types: SessionTypes = setting(
        DEFAULTS,
        parse_types,
        "What a session type asks of candidates: { TYPE = { screen, id_photo, face_photo, audio_check, approval } }; see session-types.md.",
    )
    stake: str = setting(
        "medium",
        p.choice(*STAKES),
        "How much is at stake: low halves the weights of events in the Proview Index, high doubles them (docs/events.md).",
    )
    event_weights: EventWeights = setting(
        (),
        parse_event_weights,
        'Weights of single events, by name or number, whatever the stake: { "Window Focus-Out" = 5, 10006 = 0 }.',
    )
    title: str | None = setting(None, p.text, "Name shown to the candidate.")
    language: str | None = setting(
        None, p.choice(*LANGUAGES), "Language of what candidates read; default: the page's, else the browser's."
    )


@dataclass(frozen=True, slots=True)
class Route:
    path: str | None = setting(
        None, p.url_rule, "Werkzeug rule of the protected pages, e.g. /exam/<attempt>/q/<int:n>."
    )
    regex: str | None = setting(
        None, p.regex, "Or a regular expression over the whole path; named groups are variables."
    )
    name: str | None = setting(None, p.identifier, "Name in logs and in the tag; default: r0, r1, …")
    methods: tuple[str, ...] = setting((), p.methods, "Request methods; default: all.")
    account: str | None = setting(None, p.identifier, "Account of these pages; default: the only one.")
    mode: str = setting(
        "inline",
        p.choice("inline", "frame", "off"),
        "inline: the page itself captures; frame: a shell around it does; off: leave alone.",
    )
    session_type: str | None = setting(None, p.choice(*SESSION_TYPES), "Session type; default: the account's.")
    screen: bool | None = setting(None, p.boolean, "Record the screen; default: by session type.")
    id_photo: bool | None = setting(None, p.boolean, "Ask for a photo of an ID; default: by session type.")
    face_photo: bool | None = setting(None, p.boolean, "Ask for a photo of the face; default: by session type.")
    audio_check: bool | None = setting(
        None, p.boolean, "Go on only when the microphone hears something; default: by session type."
    )
    approval: bool | None = setting(None, p.boolean, "A proctor has to let candidates in; default: by session type.")
    title: str | None = setting(None, p.text, "Session title.")
    preview_style: str | None = setting(None, p.text, "CSS of the camera preview.")
    language: str | None = setting(
        None, p.choice(*LANGUAGES), "Language of what candidates read; default: the account's."
    )
    session: tuple[str, ...] = setting(
        (),
        p.sources,
        "Where the session id comes from: path:NAME query: cookie: header: response-header: environ: literal:",
    )
    profile: tuple[str, ...] = setting((), p.sources, "Where the profile (candidate) id comes from.")
    stop_paths: tuple[str, ...] = setting((), p.url_rules, "Reaching one of these paths ends the session.")
    start: str = setting(
        "auto", p.choice("auto", "page"), "auto: the tag starts the session; page: the page calls tv('init', …)."
    )
    cover: bool = setting(True, p.boolean, "With start = auto: cover the page until the session runs.")


@dataclass(frozen=True, slots=True)
class Compat:
    hosts: tuple[str, ...] = setting(
        (), p.hosts, "Host names whose requests are served as if under the mount, e.g. cdn.proview.io."
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. Build it with :func:`flask_proview.config.load_config`."""

    secrets: Secrets
    server: Server = Server()
    storage: Storage = Storage()
    bus: Bus = Bus()
    media: Media = Media()
    capture: Capture = Capture()
    limits: Limits = Limits()
    accounts: tuple[Account, ...] = ()
    routes: tuple[Route, ...] = ()
    compat: Compat = Compat()

    def account(self, name: str) -> Account | None:
        return next((a for a in self.accounts if a.name == name), None)

    def account_by_token(self, token: str) -> Account | None:
        return next((a for a in self.accounts if a.token == token), None)

    def account_of(self, route: Route) -> Account | None:
        """The account of a route: named, or the only one."""
        if route.account is not None:
            return self.account(route.account)
        return self.accounts[0] if len(self.accounts) == 1 else None

    @property
    def public_origin(self) -> Origin | None:
        return Origin.parse(self.server.public_url) if self.server.public_url else None


SECTIONS: dict[str, type] = {
    "server": Server,
    "secrets": Secrets,
    "storage": Storage,
    "bus": Bus,
    "media": Media,
    "capture": Capture,
    "limits": Limits,
    "compat": Compat,
}
LISTS: dict[str, type] = {"accounts": Account, "routes": Route}


def fields_of(section: type) -> dict[str, Field[Any]]:
    """name → dataclass field of a section; ``metadata`` has ``parse`` and ``help``."""
    return {f.name: f for f in fields(section)}


def has_default(f: Field[Any]) -> bool:
    return f.default is not MISSING
