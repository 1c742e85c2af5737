/** Plays what frames carry, and tells the worker how far it is: the clock of everything. */

/** Messages of the worker: samples to be played from `start` on, or that all of them are to be dropped. */
export type PlayerMessage = { start: number; samples: Float32Array } | { clear: true };

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** Sound that comes later than that is left out: mouths would be seen to move before it. */
const MOST_LATE_S = 0.1;
/** How often the worker is told: every 10 ms or so. */
const EVERY_S = 0.01;

class Player extends AudioWorkletProcessor {
  #port: MessagePort | undefined;
  #queue: { start: number; samples: Float32Array }[] = [];
  /** Samples of the first in the queue that have been played. */
  #played = 0;
  #at = 0;
  #untold = Infinity;
  #ended = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<{ port: MessagePort } | { end: true }>) => {
      if ("end" in data) {
        this.#ended = true;
        return;
      }
      this.#port = data.port;
      this.#port.onmessage = (event: MessageEvent<PlayerMessage>) => {
        if ("clear" in event.data) {
          this.#queue = [];
          this.#played = 0;
        } else this.#queue.push(event.data);
      };
    };
  }

  process(_: Float32Array[][], outputs: Float32Array[][]): boolean {
    const [out, ...others] = outputs[0] ?? [];
    if (out === undefined) return !this.#ended;
    this.#fill(out);
    for (const other of others) other.set(out);
    this.#untold += out.length;
    if (this.#untold >= EVERY_S * sampleRate) {
      this.#untold = 0;
      this.#port?.postMessage(this.#at);
    }
    return !this.#ended;
  }

  #fill(out: Float32Array): void {
    let i = 0;
    while (i < out.length) {
      const first = this.#queue[0];
      const silent = first === undefined ? Infinity : this.#played > 0 ? 0 : first.start - this.#at;
      if (first === undefined || silent > 0) {
        const count = Math.min(silent, out.length - i);
        i += count;
        this.#at += count;
        continue;
      }
      // Late sound, as of a busy worker, is played as well, unless pictures are too far ahead of it.
      const late = this.#at - first.start;
      if (this.#played === 0 && late > MOST_LATE_S * sampleRate) {
        this.#played = Math.min(late, first.samples.length);
      }
      const count = Math.min(first.samples.length - this.#played, out.length - i);
      out.set(first.samples.subarray(this.#played, this.#played + count), i);
      i += count;
      this.#at += count;
      this.#played += count;
      if (this.#played === first.samples.length) {
        this.#queue.shift();
        this.#played = 0;
      }
    }
  }
}

registerProcessor("libessence-player", Player);
