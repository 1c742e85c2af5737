/**
 * The time that a session goes by: the sound card's, as the worklet counts it. Where nothing is played
 * (no click on the page yet, no device), the system's clock goes on from there.
 */
export class PlayerClock {
  readonly #rate: number;
  /** Samples that the worklet has played, and when that was heard of; undefined while it stands still. */
  #played: { samples: number; at: number } | undefined;
  /** Seconds of the session's time at the worklet's sample 0. */
  #offset = 0;
  /** The latest time, and when it was read. */
  #last: { seconds: number; at: number };

  constructor(rate: number, now: number) {
    this.#rate = rate;
    this.#last = { seconds: 0, at: now };
  }

  /** The worklet has played so many samples. `now` is in milliseconds. */
  set(samples: number, now: number): void {
    if (this.#played === undefined) this.#offset = this.read(now) - samples / this.#rate;
    this.#played = { samples, at: now };
  }

  /** Seconds since the session began; they never go back. */
  read(now: number): number {
    if (this.#played !== undefined && now - this.#played.at > SILENT_MS) {
      // The last thing that was heard of it, and the system's time since then.
      this.#played = undefined;
    }
    const { seconds, at } = this.#last;
    const next =
      this.#played === undefined
        ? seconds + (now - at) / 1000
        : this.#offset + (this.#played.samples + ((now - this.#played.at) * this.#rate) / 1000) / this.#rate;
    this.#last = { seconds: Math.max(seconds, next), at: now };
    return this.#last.seconds;
  }

  /** The worklet's sample at a time of the session's, as far as is known. */
  sample(seconds: number): number {
    return Math.round((seconds - this.#offset) * this.#rate);
  }
}

/** A worklet that says nothing for so long doesn't play. */
const SILENT_MS = 200;
