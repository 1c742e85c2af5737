/**
 * The source of an avatar's bytes: memory, or a URL that is read by ranges and kept in the browser's
 * cache, so that it opens again without a network.
 */
import { EssenceError } from "./errors.js";

/** A file that is read in pieces. */
export interface Source {
  readonly size: number;
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** Bytes of the first request: what a loader asks for first. */
const HEAD_BYTES = 64 << 10;
/** Name of the cache; another layout of it has another name. */
const CACHE = "libessence-avatars-1";

/** A file in memory. */
export function ofBytes(bytes: Uint8Array): Source {
  return {
    size: bytes.length,
    read: (begin, end) => Promise.resolve(bytes.subarray(begin, end)),
  };
}

/** Size and version of a file on a server. */
interface Facts {
  size: number;
  /** Tells one version of the file from another; empty if the server says nothing. */
  version: string;
}

/**
 * A file on a server. A server that knows no ranges is read to the end first.
 *
 * `onBytes` is told how many bytes have been read.
 */
export async function ofUrl(
  url: string,
  options: { signal: AbortSignal; cache: boolean; onBytes: (bytes: number, of: number) => void },
): Promise<Source> {
  const { signal, onBytes } = options;
  const store = options.cache ? await Store.open(url) : undefined;
  let response;
  try {
    const headers = { Range: `bytes=0-${HEAD_BYTES - 1}` };
    response = await fetch(url, { headers, signal, cache: "no-cache" });
  } catch (error) {
    signal.throwIfAborted();
    const facts = await store?.facts();
    if (facts === undefined) throw unreachable(url, error);
    return ranged(url, facts, undefined, { ...options, store });
  }
  // There is no first byte.
  if (response.status === 416) return ofBytes(new Uint8Array());
  if (!response.ok) throw refused(url, response);
  const version = response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";
  if (response.status !== 206) {
    const length = Number(response.headers.get("content-length") ?? 0);
    const bytes = await all(response, (read) => onBytes(read, Math.max(read, length))).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        throw unreachable(url, error);
      },
    );
    await store?.begin({ size: bytes.length, version });
    await store?.put(0, bytes.length, bytes);
    return { ...ofBytes(bytes), size: bytes.length };
  }
  const head = await bodyOf(url, response, signal);
  const size = await sizeOf(url, response, head.length, signal);
  const facts = { size, version };
  if (store !== undefined && !same(await store.facts(), facts)) await store.begin(facts);
  return ranged(url, facts, head, { ...options, store });
}

function ranged(
  url: string,
  facts: Facts,
  head: Uint8Array | undefined,
  options: {
    signal: AbortSignal;
    onBytes: (bytes: number, of: number) => void;
    store: Store | undefined;
  },
): Source {
  const { signal, onBytes, store } = options;
  let total = 0;
  const count = (bytes: Uint8Array) => {
    total += bytes.length;
    onBytes(total, facts.size);
    return bytes;
  };
  const read = async (begin: number, end: number): Promise<Uint8Array> => {
    if (head !== undefined && end <= head.length) {
      const bytes = head.subarray(begin, end);
      if (begin === 0) await store?.put(begin, end, bytes);
      return count(bytes);
    }
    const kept = await store?.get(begin, end);
    if (kept !== undefined) return count(kept);
    let response;
    try {
      response = await fetch(url, { headers: { Range: `bytes=${begin}-${end - 1}` }, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(url, error);
    }
    if (!response.ok) throw refused(url, response);
    let bytes = await bodyOf(url, response, signal);
    if (response.status !== 206) bytes = bytes.slice(begin, end);
    if (bytes.length !== end - begin) {
      const message = `${url}: ${bytes.length} bytes came instead of ${end - begin}; the file is cut short or has changed`;
      throw new EssenceError("InvalidAvatar", message);
    }
    await store?.put(begin, end, bytes);
    return count(bytes);
  };
  return { size: facts.size, read };
}

/** The file's size: other origins may hide it from us in one header, but not in the other. */
async function sizeOf(url: string, response: Response, read: number, signal: AbortSignal) {
  const range = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  if (range !== null) return Number(range[1]);
  if (read < HEAD_BYTES) return read;
  const head = await fetch(url, { method: "HEAD", signal });
  const length = Number(head.headers.get("content-length") ?? NaN);
  if (head.ok && Number.isSafeInteger(length) && length >= read) return length;
  const message = `${url}: the server doesn't say how large the file is; have it expose Content-Range`;
  throw new EssenceError("Io", message);
}

/** A body of known length, whole. */
async function bodyOf(url: string, response: Response, signal: AbortSignal) {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(url, error);
  }
}

/** The whole body, as it comes. */
async function all(response: Response, onBytes: (bytes: number) => void): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array(await response.arrayBuffer());
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    length += value.length;
    onBytes(length);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Pieces of one file in the browser's cache. What can't be kept isn't: storage may be full or forbidden. */
class Store {
  private constructor(
    private readonly cache: Cache,
    private readonly url: string,
  ) {}

  static async open(url: string): Promise<Store | undefined> {
    try {
      return new Store(await caches.open(CACHE), url);
    } catch {
      return undefined;
    }
  }

  /** Size and version of the file whose pieces are here. */
  async facts(): Promise<Facts | undefined> {
    try {
      const response = await this.cache.match(this.key("facts"));
      return response === undefined ? undefined : ((await response.json()) as Facts);
    } catch {
      return undefined;
    }
  }

  /** Lets go of the pieces of another version. */
  async begin(facts: Facts): Promise<void> {
    try {
      const prefix = this.key("");
      for (const request of await this.cache.keys()) {
        if (request.url.startsWith(prefix)) await this.cache.delete(request);
      }
      await this.cache.put(this.key("facts"), new Response(JSON.stringify(facts)));
    } catch {
      // It is read from the network next time.
    }
  }

  async get(begin: number, end: number): Promise<Uint8Array | undefined> {
    try {
      const response = await this.cache.match(this.key(`${begin}-${end}`));
      const bytes = response && new Uint8Array(await response.arrayBuffer());
      return bytes?.length === end - begin ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  async put(begin: number, end: number, bytes: Uint8Array): Promise<void> {
    try {
      await this.cache.put(this.key(`${begin}-${end}`), new Response(bytes.slice()));
    } catch {
      // As above.
    }
  }

  private key(what: string): string {
    const url = new URL(this.url);
    url.hash = "";
    url.searchParams.append("libessence", what);
    return url.href;
  }
}

function same(kept: Facts | undefined, facts: Facts): boolean {
  return kept?.size === facts.size && kept.version === facts.version && facts.version !== "";
}

function unreachable(url: string, error: unknown): EssenceError {
  const reason = error instanceof Error ? error.message : String(error);
  return new EssenceError("Io", `${url} can't be reached: ${reason}`);
}

function refused(url: string, response: Response): EssenceError {
  const kind = response.status === 404 ? "NotFound" : "Io";
  return new EssenceError(kind, `${url}: the server answers ${response.status} ${response.statusText}`);
}
