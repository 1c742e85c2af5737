/**
 * The time that a session goes by: the sound card's, as the worklet counts it. Where nothing is played
 * (no click on the page yet, no device), the system's clock goes on from there.
 */
export class PlayerClock {
  readonly #rate: number;
  /** When the worklet was heard of; undefined while it stands still. */
  #heard: number | undefined;
  /** Looks at the clock since then. */
  #looks = 0;
  /**
   * Seconds by which the worklet is ahead of the system's clock: the most in the half second that goes on, and
   * in the one before. A message that waits while the worker is busy makes it look late, never early.
   */
  #ahead = { now: 0, before: 0, since: 0 };
  /** Seconds of the session's time at the worklet's sample 0. */
  #offset = 0;
  /** The latest time, and when it was read. */
  #last: { seconds: number; at: number };

  constructor(rate: number, now: number) {
    this.#rate = rate;
    this.#last = { seconds: 0, at: now };
  }

  /** Whether the worklet plays. */
  get plays(): boolean {
    return this.#heard !== undefined;
  }

  /** The worklet has played so many samples. `now` is in milliseconds. True: it stood still before. */
  set(samples: number, now: number): boolean {
    const begins = this.#heard === undefined;
    const ahead = samples / this.#rate - now / 1000;
    if (begins) {
      this.#offset = this.read(now) - samples / this.#rate;
      this.#ahead = { now: ahead, before: ahead, since: now };
    } else if (now - this.#ahead.since > WINDOW_MS) {
      this.#ahead = { now: ahead, before: this.#ahead.now, since: now };
    } else {
      this.#ahead.now = Math.max(this.#ahead.now, ahead);
    }
    this.#heard = now;
    this.#looks = 0;
    return begins;
  }

  /** Seconds since the session began; they never go back. */
  read(now: number): number {
    this.#looks++;
    if (this.#heard !== undefined && now - this.#heard > SILENT_MS && this.#looks > SILENT_LOOKS) {
      // The last thing that was heard of it, and the system's time since then.
      this.#heard = undefined;
    }
    const { seconds, at } = this.#last;
    const next =
      this.#heard === undefined
        ? seconds + (now - at) / 1000
        : this.#offset + Math.max(this.#ahead.now, this.#ahead.before) + now / 1000;
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
/** If it was looked for as often: after a long frame, what it has said waits to be read. */
const SILENT_LOOKS = 8;
/** Time in which a message comes that did not wait. */
const WINDOW_MS = 500;
