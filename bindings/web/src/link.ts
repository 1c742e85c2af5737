/** The page's end of the line to a worker. */
import { EssenceError, revived } from "./errors.js";
import type { Calls, Message } from "./protocol.js";

/** A worker, and calls to it. */
export class Link {
  readonly #worker: Worker;
  readonly #open = new Map<number, { done: (value: never) => void; failed: (e: Error) => void }>();
  #last = 0;
  #ended: Error | undefined;

  constructor(
    base: string,
    readonly onMessage: (message: Exclude<Message, { id: number }>) => void,
    /** Told once, when the line is at its end. */
    readonly onEnd: (reason: Error) => void,
  ) {
    this.#worker = start(new URL("worker.js", base));
    this.#worker.onmessage = ({ data }: MessageEvent<Message>) => {
      if (!("id" in data)) {
        this.onMessage(data);
        return;
      }
      const call = this.#open.get(data.id);
      this.#open.delete(data.id);
      if ("error" in data) call?.failed(revived(data.error));
      else call?.done(data.value as never);
    };
    this.#worker.onerror = (event) => {
      const why = event.message || "its script can't be loaded; see worker-src of the page's policy";
      this.end(new EssenceError("Internal", `the avatar's worker has failed: ${why}`));
    };
  }

  call<Name extends keyof Calls>(
    name: Name,
    argument: Calls[Name][0],
    transfer: Transferable[] = [],
  ): Promise<Calls[Name][1]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#last;
    return new Promise((done, failed) => {
      this.#open.set(id, { done, failed });
      this.#worker.postMessage({ id, name, argument }, transfer);
    });
  }

  /** Ends the worker; calls under way and later ones fail with `reason`. */
  end(reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#worker.terminate();
    for (const { failed } of this.#open.values()) failed(reason);
    this.#open.clear();
    this.onEnd(reason);
  }
}

/** A worker of a module; one of another origin is imported by a script of this one. */
function start(url: URL): Worker {
  if (url.origin === location.origin) return new Worker(url, { type: "module" });
  const script = new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" });
  const blob = URL.createObjectURL(script);
  try {
    return new Worker(blob, { type: "module" });
  } finally {
    // The worker has its own copy once it has begun to load.
    setTimeout(() => URL.revokeObjectURL(blob), 60_000);
  }
}
