/** Shapes that several modules share; docs/protocol.md says what they mean. Read by the type checker only; names are under `Sdk`. */

declare namespace Sdk {
  type TrackName = 'camera' | 'screen';
  type State = 'idle' | 'starting' | 'running' | 'paused' | 'stopping' | 'stopped';

  /** A still before it is sent; the canvas shows it. */
  interface Still { canvas: HTMLCanvasElement; data: ArrayBuffer; dark: boolean }

  type PhotoKind = 'id' | 'face';

  /** A photo as the buffer keeps it; `at` on the session clock. */
  interface Photo { session: string; kind: PhotoKind; at: number; sha256: string; data: ArrayBuffer }

  interface Picture { width: number; height: number; fps: number; kbps: number }

  interface Policy {
    session_type: string;
    title: string | null;
    tracks: TrackName[];
    screen: boolean;
    checks?: Record<PhotoKind | 'audio' | 'approval', boolean>;
    capture: { video_codec: string; camera: Picture; screen: Picture; audio_kbps: number };
    slice_ms: number;
    keyframe_ms: number;
    client_buffer_mb: number;
    heartbeat_ms: number;
    drain_deadline_ms: number;
    session_minutes: number;
    on_limit: 'rollover' | 'stop';
    idle_ms: number;
    silence_ms: number;
    live: 'on-demand' | 'always' | 'off';
    preview_style: string | null;
    /** Setting of the account or route; null: the page's or the browser's. */
    language?: string | null;
    stop_paths: string[];
    cover: boolean;
    /** What the LMS wants candidates to read, where the page says nothing. */
    instructions?: string | null;
    reference_links?: string | null;
  }

  interface Started {
    session_uuid: string;
    state: string;
    resumed: boolean;
    session_token: string;
    drain_token: string;
    expires_at: number;
    signal_url: string | null;
    base_url: string;
    ice_servers: RTCIceServer[];
    server_time: number;
    started_at: number;
    session: string;
    profile_id: string;
    policy: Policy;
    /** What of `policy.checks` is done. */
    checks?: { photos: PhotoKind[]; approval: 'waiting' | 'approved' | 'rejected' | null; reason: string | null };
  }

  interface Credentials { session_token: string; drain_token: string; expires_at: number }

  /** Identity of a piece: session, track, run, seq. */
  type PieceKey = [string, TrackName, number, number];

  /** A piece as the buffer stores it; `data` is a Blob and `sha256` empty when it was written while the page unloaded. */
  interface Piece {
    session: string;
    track: TrackName;
    run: number;
    seq: number;
    start: number;
    duration: number;
    mime: string;
    last: boolean;
    size: number;
    sha256: string;
    data: ArrayBuffer | Blob;
  }

  type PieceInfo = Omit<Piece, 'data'>;

  /** What the buffer remembers of a session, so that its pieces can be handed in by any later page. */
  interface SessionRecord {
    uuid: string;
    base: string;
    drainToken: string;
    sessionToken: string;
    expiresAt: number;
    consented: boolean;
    updatedAt: number;
  }

  interface LoggedEvent { seq: number; event_type_id: number; name: string; at: number; data: Record<string, unknown> }

  /** What handlers of ProctorClient3.on get. */
  interface ClientEvent { event_type_id: number; name: string; at: number; data: Record<string, unknown> }

  interface BootConfig {
    base: string;
    name: string;
    route: string;
    role: string;
    auto: boolean;
    tagged: boolean;
    cover: HTMLElement | null;
  }

  interface ReferenceLink { caption: string; url: string }

  interface Options {
    token: string;
    /** A launch token of the integrator's back end (`proview token new`). */
    launch: string;
    session: string;
    profileId: string;
    sessionType: string;
    title: string;
    previewStyle: string | Record<string, unknown>;
    additionalInstruction: string;
    referenceLinks: ReferenceLink[];
    language: string;
    screen: boolean;
    skipHardwareTest: boolean;
    clear: boolean;
    isIDRequired: boolean;
    enforceTSB: boolean;
    eventExternalId: string;
    initCallback: ((error: Error | null, uuid?: string, audio?: boolean, video?: boolean, screen?: boolean) => unknown) | null;
    networkDisconnectionCallback: ((state: { online: boolean; at: number }) => unknown) | null;
    /** The newer SDK's: is told of what the candidate can put right, and goes on waiting for the callback. */
    onProblem?: (error: import('./errors.js').ProviewError) => unknown;
    /** Attendee and workflow, as the service keeps them. */
    about?: Record<string, unknown>;
    /** Id of the element that shows the camera's picture. */
    container?: string;
  }

  type Report = (key: EventKey, data?: Record<string, unknown>, at?: number) => void;

  /** What a page offers to the pages in its frames, as `window.parent.__proview`. */
  interface Port {
    /** Watches what is done in a page. */
    observe(view: Window): void;
    init(token: unknown, options: unknown): void;
    stop(reason: string): Promise<void>;
    client: Client;
    proview: Record<string, any>;
    /** The shell only: a document in its frame begins. */
    enter?(view: Window): void;
  }

  interface Client {
    stop(callback?: unknown): void;
    pause(callback?: unknown): void;
    Pause(callback?: unknown): void;
    resume(callback?: unknown): void;
    on(id: unknown, handler: unknown): void;
    off(id: unknown, handler?: unknown): void;
    readonly state: State;
  }

  type Api = import('./api.js').Api;
  type Buffer = import('./buffer.js').Buffer;
  type Clock = import('./clock.js').Clock;
  type Facts = import('./memory.js').Facts;
  type EventKey = import('./events.js').EventKey;
  type Link = import('./link.js').Link;
  type Page = import('./page.js').Page;
  type Root = import('./ui/root.js').Root;
  type Session = import('./session.js').Session;
  type Signal = import('./signal.js').Signal;
  type StringKey = import('./strings.js').StringKey;
}

interface Window {
  __proview?: Sdk.Port;
  ProctorClient3?: Sdk.Client;
  Proview?: Record<string, any>;
  proviewOnLoad?: () => unknown;
  TalviewProctor?: string;
}
interface MediaRecorderOptions { videoKeyFrameIntervalDuration?: number }
interface Document { featurePolicy?: { allowsFeature(name: string): boolean }; permissionsPolicy?: { allowsFeature(name: string): boolean } }
