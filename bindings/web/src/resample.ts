/**
 * Another sample rate for what is pushed, so that the sound card plays it as it is: a windowed sinc,
 * interpolated from a table, over as many samples as 16 zero crossings take.
 */
const CROSSINGS = 16;
const STEPS = 512;

/** sinc × Blackman–Harris, from 0 to CROSSINGS. */
const table = Float64Array.from({ length: CROSSINGS * STEPS + 2 }, (_, i) => {
  const x = i / STEPS;
  if (x >= CROSSINGS) return 0;
  const phase = Math.PI * (1 + x / CROSSINGS);
  const window =
    0.35875 - 0.48829 * Math.cos(phase) + 0.14128 * Math.cos(2 * phase) - 0.01168 * Math.cos(3 * phase);
  return i === 0 ? 1 : (window * Math.sin(Math.PI * x)) / (Math.PI * x);
});

/** Resamples one utterance, piece by piece: n samples become round(n · to / from) in all. */
export class Resampler {
  readonly #step: number;
  readonly #cut: number;
  readonly #reach: number;
  #held: Float32Array;
  /** Place of the next output among the samples held. */
  #at: number;
  #in = 0;
  #out = 0;

  constructor(
    readonly from: number,
    readonly to: number,
  ) {
    this.#step = from / to;
    this.#cut = Math.min(1, to / from);
    this.#reach = Math.ceil(CROSSINGS / this.#cut) + 1;
    this.#held = new Float32Array(this.#reach);
    this.#at = this.#reach;
  }

  push(samples: Float32Array): Float32Array {
    this.#in += samples.length;
    return this.#take(samples, Infinity);
  }

  /** The rest, at the end. */
  end(): Float32Array {
    const all = Math.round((this.#in * this.to) / this.from);
    return this.#take(new Float32Array(2 * this.#reach), all - this.#out);
  }

  #take(samples: Float32Array, most: number): Float32Array {
    const held = new Float32Array(this.#held.length + samples.length);
    held.set(this.#held);
    held.set(samples, this.#held.length);
    const end = held.length - this.#reach;
    const count = Math.min(most, Math.max(0, Math.ceil((end - this.#at) / this.#step)));
    const made = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      const at = this.#at + i * this.#step;
      const first = Math.ceil(at - this.#reach + 1);
      let sum = 0;
      for (let k = first; k < at + this.#reach - 1; k++) {
        const place = Math.abs(k - at) * this.#cut * STEPS;
        const low = Math.floor(place);
        if (low >= CROSSINGS * STEPS) continue;
        const a = table[low] as number;
        sum += (held[k] ?? 0) * (a + ((table[low + 1] as number) - a) * (place - low));
      }
      made[i] = sum * this.#cut;
    }
    this.#out += count;
    this.#at += count * this.#step;
    const keep = Math.max(0, Math.floor(this.#at) - this.#reach);
    this.#held = held.slice(keep);
    this.#at -= keep;
    return made;
  }
}
