/** The page's side of the worklet that plays: its node, and where that is connected. */
import { EssenceError } from "./errors.js";

/**
 * How long a session waits for the worklet before it begins without sound. A context whose device hangs may
 * never load its code; it is taken on when it does.
 */
const PATIENCE_MS = 3000;

/** What a device's way takes in Firefox, where it can't be asked for. */
const FIREFOX_LATENCY_S = 0.03;

/**
 * Seconds from a sample's being asked for until it is heard.
 *
 * Firefox asks its sound server for `outputLatency` while it holds the lock that the sound's own thread waits
 * for: where both meet, the page stands still for ever. So it isn't asked there.
 */
export function outputLatency(context: AudioContext): number {
  if (/\bFirefox\//.test(navigator.userAgent)) return FIREFOX_LATENCY_S;
  return context.outputLatency || context.baseLatency || 0;
}

export class Player {
  #node: AudioWorkletNode | undefined;
  #ended = false;
  /** For the worker. */
  readonly port: MessagePort;

  private constructor(port: MessagePort) {
    this.port = port;
  }

  /** A player whose sound goes to each of `destinations`. */
  static async start(
    context: AudioContext,
    base: string,
    destinations: AudioNode[],
  ): Promise<Player> {
    const lines = new MessageChannel();
    const player = new Player(lines.port2);
    const connected = loaded(context, base).then(() => {
      if (player.#ended) return;
      const node = new AudioWorkletNode(context, "libessence-player", {
        numberOfInputs: 0,
        outputChannelCount: [1],
      });
      for (const destination of destinations) node.connect(destination);
      node.port.postMessage({ port: lines.port1 }, [lines.port1]);
      player.#node = node;
    });
    // After the time for it, it fails unheard: the session has begun without sound.
    await Promise.race([connected, new Promise((done) => setTimeout(done, PATIENCE_MS))]);
    connected.catch(() => {});
    return player;
  }

  end(): void {
    this.#ended = true;
    this.#node?.port.postMessage({ end: true });
    this.#node?.disconnect();
  }
}

/** Contexts that have the player's code. */
const ready = new WeakMap<AudioContext, Promise<void>>();

async function loaded(context: AudioContext, base: string): Promise<void> {
  let added = ready.get(context);
  if (added === undefined) {
    added = context.audioWorklet.addModule(new URL("player.worklet.js", base));
    ready.set(context, added);
  }
  await added.catch(() => {
    ready.delete(context);
    const message = "the player's script can't be loaded; see script-src of the page's policy";
    throw new EssenceError("Io", message);
  });
}
