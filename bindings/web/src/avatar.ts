/** Avatars on the page. */
import type { AvatarInfo } from "./engine.js";
import { EssenceError } from "./errors.js";
import { Link } from "./link.js";
import type { Message } from "./protocol.js";
import { Session, type SessionOptions } from "./session.js";

/** How much of an avatar's file has been read. */
export interface Progress {
  bytes: number;
  of: number;
}

/** How an avatar is opened. */
export interface OpenOptions {
  /** Ends opening, and the avatar. */
  signal?: AbortSignal;
  /** Told as the file is read, until all of it has been: some of it comes after opening. */
  onProgress?: (progress: Progress) => void;
  /** Given the first picture, an image file, long before the avatar can speak. */
  onPicture?: (picture: Blob) => void;
  /** The folder of worker, worklet and modules. Default: beside this script. */
  base?: string | URL;
  /** Whether the file is kept in the browser's cache, to be opened without a network. Default: true. */
  cache?: boolean;
}

/**
 * Opens an avatar: a URL, whose parts are read as they are needed, or the bytes of an `.imx` file.
 *
 * Fails with an {@link EssenceError}, or as `signal` says.
 */
export async function open(
  source: string | URL | ArrayBuffer | Uint8Array | Blob,
  options: OpenOptions = {},
): Promise<Avatar> {
  const { signal, onProgress = () => {}, onPicture = () => {}, cache = true } = options;
  signal?.throwIfAborted();
  const base = new URL(options.base ?? new URL(".", import.meta.url), document.baseURI).href;
  const bytes =
    typeof source === "string" || source instanceof URL
      ? new URL(source, document.baseURI).href
      : await bytesOf(source);
  const sessions = new Map<number, Session>();
  const onMessage = (message: Exclude<Message, { id: number }>) => {
    if ("progress" in message) onProgress(message.progress);
    else if ("picture" in message) onPicture(new Blob([message.picture]));
    else receive(sessions, message);
  };
  const link = new Link(base, onMessage, (reason) => {
    for (const session of [...sessions.values()]) session.end(signal?.aborted ? undefined : reason);
  });
  const stop = () => link.end(signal?.reason as Error);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const transfer = typeof bytes === "string" ? [] : [bytes];
    const info = await link.call("open", { source: bytes, base, cache }, transfer);
    return new Avatar(info, link, sessions, base);
  } catch (error) {
    link.end(error as Error);
    throw error;
  }
}

function receive(
  sessions: Map<number, Session>,
  message: Extract<Message, { session: number }>,
): void {
  const session = sessions.get(message.session);
  if (session === undefined) return;
  if ("error" in message) session.fail(message.error);
  else session.receive(message.frame, message.bitmap);
}

/** An opened avatar, in a worker of its own. */
export class Avatar {
  readonly #link: Link;
  readonly #sessions: Map<number, Session>;
  readonly #base: string;

  /** @internal */
  constructor(
    /** Its description. */
    readonly info: AvatarInfo,
    link: Link,
    sessions: Map<number, Session>,
    base: string,
  ) {
    this.#link = link;
    this.#sessions = sessions;
    this.#base = base;
  }

  /** Resolves when all of the file has been read; until then, other base frames stand in for some. */
  loaded(): Promise<void> {
    return this.#link.call("rest", {});
  }

  /** Starts a conversation. */
  session(options: SessionOptions = {}): Promise<Session> {
    return Session.start(this.#link, this.#sessions, this.#base, options);
  }

  /** Ends all its sessions and its worker. */
  close(): void {
    for (const session of this.#sessions.values()) session.close();
    this.#link.end(new EssenceError("InvalidState", "the avatar was closed"));
  }
}

async function bytesOf(source: ArrayBuffer | Uint8Array | Blob): Promise<ArrayBuffer> {
  if (source instanceof Blob) return source.arrayBuffer();
  // A copy: what is sent to the worker is gone here.
  const bytes = source instanceof Uint8Array ? source : new Uint8Array(source);
  return bytes.slice().buffer;
}
