/**
 * The durable client buffer: what is not acknowledged stays here, through reloads, crashes and closed browsers.
 *
 * IndexedDB with strict durability (Chrome's default is `relaxed`). It is bounded: when it is full the recorders are told to stop
 * until there is room, because what lies here already is evidence; the slices that they had begun are still kept.
 * Where IndexedDB is refused (private windows) everything is kept in memory, and `durable` says so.
 */

import { log } from './log.js';

const NAME = 'proview';
// Another store is another version; what lies in the others stays.
const VERSION = 2;
const REOPEN_MS = 2000;
const STORES = { pieces: ['session', 'track', 'run', 'seq'], events: ['session', 'seq'], sessions: 'uuid', photos: ['session', 'kind'] };

/** @typedef {keyof typeof STORES} StoreName */

export class Buffer {
  /** @type {IDBDatabase | null} */
  #db = null;
  /** @type {Record<StoreName, Map<string, any>>} */
  #memory = { pieces: new Map(), events: new Map(), sessions: new Map(), photos: new Map() };
  #bytes = 0;
  limitBytes = 512 * 2 ** 20;

  static async open() {
    const buffer = new Buffer();
    try {
      buffer.#use(await openDatabase());
      for (const piece of await buffer.list()) buffer.#bytes += piece.size;
    } catch (reason) {
      log.warn('no IndexedDB', reason);
      buffer.#db = null;
    }
    return buffer;
  }

  /**
   * Site data can be cleared, or evicted, in the middle of a session: memory keeps what comes until another database is open.
   * @param {IDBDatabase} db
   */
  #use(db) {
    this.#db = db;
    const { pieces, sessions } = this.#memory;
    for (const record of sessions.values()) this.putSession(record).catch(() => undefined);
    for (const [key, piece] of pieces) this.#write('pieces', (store) => store.put(piece)).then(() => pieces.delete(key), () => undefined);
    // At once, and Chromium aborts it together with what it clears.
    const reopen = () => setTimeout(() => openDatabase().then((next) => this.#use(next), reopen), REOPEN_MS);
    db.onclose = db.onversionchange = () => {
      db.close();
      this.#db = null;
      reopen();
    };
  }

  get durable() {
    return this.#db !== null;
  }

  get bytes() {
    return this.#bytes;
  }

  get hasRoom() {
    return this.#bytes < this.limitBytes * 0.9;
  }

  /**
   * @param {Sdk.Piece} piece
   * @returns {Promise<boolean>} false: it is full now
   */
  async putPiece(piece) {
    this.#bytes += piece.size;
    try {
      await this.#write('pieces', (store) => store.put(piece), () => this.#memory.pieces.set(keyText(pieceKey(piece)), piece));
    } catch (reason) {
      // Quota of the browser or a broken profile: memory is the last resort, and the upload goes on.
      log.warn('piece is in memory only', reason);
      this.#memory.pieces.set(keyText(pieceKey(piece)), piece);
    }
    return this.#bytes <= this.limitBytes;
  }

  /** @param {Sdk.PieceKey} key @returns {Promise<Sdk.Piece | undefined>} */
  async getPiece(key) {
    return this.#memory.pieces.get(keyText(key)) ?? (this.#db ? done(this.#store('pieces').get(key)) : undefined);
  }

  /** @param {Sdk.PieceKey} key @param {number} size */
  async deletePiece(key, size) {
    this.#bytes = Math.max(0, this.#bytes - size);
    this.#memory.pieces.delete(keyText(key));
    await this.#write('pieces', (store) => store.delete(key), null, 'relaxed');
  }

  /**
   * What is held, without the bytes, in recording order.
   * @param {string} [session]
   * @returns {Promise<Omit<Sdk.Piece, 'data'>[]>}
   */
  async list(session) {
    /** @type {Omit<Sdk.Piece, 'data'>[]} */
    const found = [...this.#memory.pieces.values()].filter((one) => !session || one.session === session);
    if (this.#db) {
      await each(this.#store('pieces').openCursor(session && ofSession(session)), (value) => {
        const { data, ...info } = value;
        found.push({ ...info, size: info.size || data.byteLength || data.size });
      });
    }
    return found.sort((a, b) => a.run - b.run || a.seq - b.seq);
  }

  /** @param {string} session @param {Sdk.LoggedEvent} event */
  putEvent(session, event) {
    const record = { session, ...event };
    return this.#write('events', (store) => store.put(record), () => this.#memory.events.set(keyText([session, event.seq]), record));
  }

  /** @param {string} session @returns {Promise<Sdk.LoggedEvent[]>} */
  async events(session) {
    return (await this.#all('events', session)).map(({ session: _, ...event }) => event);
  }

  /** @param {string} session @param {number[]} seqs */
  deleteEvents(session, seqs) {
    return this.#write('events', (store) => seqs.forEach((seq) => store.delete([session, seq])), () => seqs.forEach((seq) => this.#memory.events.delete(keyText([session, seq]))), 'relaxed');
  }

  /** Replaces one of the same kind that was not sent yet. @param {Sdk.Photo} photo */
  putPhoto(photo) {
    return this.#write('photos', (store) => store.put(photo), () => this.#memory.photos.set(keyText([photo.session, photo.kind]), photo));
  }

  /** @param {string} session @returns {Promise<Sdk.Photo[]>} */
  photos(session) {
    return this.#all('photos', session);
  }

  /** @param {string} session @param {Sdk.PhotoKind} kind */
  deletePhoto(session, kind) {
    return this.#write('photos', (store) => store.delete([session, kind]), () => this.#memory.photos.delete(keyText([session, kind])), 'relaxed');
  }

  /** @param {Sdk.SessionRecord} record */
  putSession(record) {
    this.#memory.sessions.set(record.uuid, record);
    return this.#write('sessions', (store) => store.put(record));
  }

  /** @returns {Promise<Sdk.SessionRecord[]>} */
  sessions() {
    return this.#all('sessions');
  }

  /** Forgets a session with all that belongs to it. @param {string} uuid */
  async deleteSession(uuid) {
    for (const piece of await this.list(uuid)) await this.deletePiece(pieceKey(piece), piece.size);
    for (const { kind } of await this.photos(uuid)) await this.deletePhoto(uuid, kind);
    await this.deleteEvents(uuid, (await this.events(uuid)).map((event) => event.seq));
    this.#memory.sessions.delete(uuid);
    await this.#write('sessions', (store) => store.delete(uuid), null, 'relaxed');
  }

  /** @param {StoreName} name @param {string} [session] its own, or all @returns {Promise<any[]>} */
  async #all(name, session) {
    if (this.#db) return done(this.#store(name).getAll(session && ofSession(session)));
    return [...this.#memory[name].values()].filter((one) => !session || one.session === session);
  }

  /** @param {StoreName} name */
  #store(name) {
    return /** @type {IDBDatabase} */ (this.#db).transaction(name).objectStore(name);
  }

  /**
   * @param {StoreName} name
   * @param {(store: IDBObjectStore) => unknown} change
   * @param {(() => unknown) | null} [changeMemory]
   * @param {'strict' | 'relaxed'} [durability]
   * @returns {Promise<void>}
   */
  #write(name, change, changeMemory, durability = 'strict') {
    return new Promise((resolve, reject) => {
      if (!this.#db) {
        changeMemory?.();
        return resolve();
      }
      const transaction = this.#db.transaction(name, 'readwrite', { durability });
      transaction.oncomplete = () => resolve();
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
      change(transaction.objectStore(name));
      transaction.commit();
    });
  }
}

/** @param {{session: string, track: any, run: number, seq: number}} piece @returns {Sdk.PieceKey} */
export function pieceKey({ session, track, run, seq }) {
  return [session, track, run, seq];
}

/** @param {string} session */
function ofSession(session) {
  return IDBKeyRange.bound([session], [session, []]);
}

/** @param {unknown[]} key */
export function keyText(key) {
  return key.join('/');
}

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const { result } = request;
      for (const [name, keyPath] of Object.entries(STORES)) if (!result.objectStoreNames.contains(name)) result.createObjectStore(name, { keyPath });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    // Some browsers never answer in a profile that is being deleted.
    setTimeout(() => reject(new Error('no answer')), 4000);
  });
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBRequest<IDBCursorWithValue | null>} request @param {(value: any) => void} visit @returns {Promise<void>} */
function each(request, visit) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return resolve();
      visit(cursor.value);
      cursor.continue();
    };
    request.onerror = () => reject(request.error);
  });
}
