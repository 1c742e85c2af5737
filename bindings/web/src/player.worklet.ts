/** Plays what frames carry, and tells the worker how far it is: the clock of everything. */

/** Messages of the worker: samples to be played from `start` on, or that all of them are to be dropped. */
export type PlayerMessage = { start: number; samples: Float32Array } | { clear: true };

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** How often the worker is told: every 10 ms or so. */
const EVERY_S = 0.01;

class Player extends AudioWorkletProcessor {
  #port: MessagePort | undefined;
  #queue: { start: number; samples: Float32Array }[] = [];
  #at = 0;
  #told = -Infinity;
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
        if ("clear" in event.data) this.#queue = [];
        else this.#queue.push(event.data);
      };
    };
  }

  process(_: Float32Array[][], outputs: Float32Array[][]): boolean {
    const [out, ...others] = outputs[0] ?? [];
    if (out === undefined) return !this.#ended;
    const end = this.#at + out.length;
    let first = this.#queue[0];
    while (first !== undefined && first.start < end) {
      const { start, samples } = first;
      for (let i = Math.max(0, this.#at - start); i < samples.length && start + i < end; i++) {
        out[start + i - this.#at] = samples[i] as number;
      }
      if (start + samples.length > end) break;
      this.#queue.shift();
      first = this.#queue[0];
    }
    for (const other of others) other.set(out);
    this.#at = end;
    if (this.#at - this.#told >= EVERY_S * sampleRate) {
      this.#told = this.#at;
      this.#port?.postMessage(this.#at);
    }
    return !this.#ended;
  }
}

registerProcessor("libessence-player", Player);
