/** Shapes of the console's JSON (GET M/v1/playback/<uuid> and M/console/…). Read by the type checker only. */

export type Severity = 'high' | 'medium' | 'low' | 'technical' | 'info';

export interface SessionEvent { id?: number; event_type_id: number; name: string; severity: Severity; heuristic?: boolean; at: number; by?: string; data: Record<string, unknown> }

export interface EventMeaning { event_type_id: number; name: string; meaning: string; severity: Severity; weight: number; rests_on: string; heuristic: boolean }

export interface Row {
  uuid: string; account: string; external_id: string; profile_id: string; title: string; session_type: string;
  state: string; state_text: string; end_reason: string; open: boolean; ready: boolean; pending: boolean;
  started_at: number; ended_at: number | null; length_ms: number; silent_ms: number | null;
  coverage: Record<string, number>; coverage_text: string; bytes: number; rating: string | null; judged: string | null; rated_by: string | null;
  /** Sessions of the sitting, and the uuid of the last of them. */
  parts: number; newest: string;
  approval: string | null; waiting_since: number | null; photos: PhotoKey[];
}

/** A photo that the candidate took, in whichever session of the sitting. */
export interface PhotoKey { uuid: string; kind: string; version: number }

/** `at` is on the sitting's clock. */
export interface Photo extends PhotoKey { width: number; height: number; at: number }

/** Something asked or said about letting a candidate in; `by` is empty for the candidate. */
export interface Word { approval: string; reason: string; by: string; at: number }

export interface IdentityJson { photos: Photo[]; words: Word[]; approval: string | null }

export interface Outcome { track: string; from_ms: number; to_ms: number; outcome: string; cause: string | null; source: string | null }

/** `growing`: of a session that runs, or whose recording is not made yet; `url` gives stretches of its pieces. */
export interface Track { track: string; url: string; mime: string; offset_ms: number; duration_ms: number; made_at?: number; growing?: boolean; outcomes: Outcome[] }

export interface PlaybackJson {
  session: { session_uuid: string; duration_ms: number; started_at: number; ended_at: number | null; title: string | null };
  state: string; finalised: boolean; tracks: Track[]; events: SessionEvent[]; outcomes: Outcome[];
}

/** What GET M/console/sessions/<uuid>/edge says: the tracks that grow, and how far they have come. */
export interface EdgeJson { tracks: { track: string; to_ms: number; url: string }[] }

/** A recording on the sitting's clock, with what its session's ledger says about it; `key` is the name, numbered from the second part on. */
export interface PlayerTrack { key: string; name: string; url: string; growing: boolean; offset: number; duration: number; ledger: Outcome[] }

export interface PlayerData { length: number; growing: boolean; startedAt: number; tracks: PlayerTrack[]; ledgers: Map<string, Outcome[]>; events: SessionEvent[] }
