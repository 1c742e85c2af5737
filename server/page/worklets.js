// On the thread of sound: what is heard is played, what is said is collected.

/** Packets in hand before playing begins, and beyond which old ones are skipped. */
const READY = 2;
const MOST = 10;

/** Plays packets in order of their frames. Messages in: { k, samples } or { clear: true }. */
registerProcessor('player', class extends AudioWorkletProcessor {
  #queue = [];
  #at = 0;
  #playing = false;
  #underruns = 0;
  #quanta = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.clear) {
        this.#queue.length = 0;
        this.#at = 0;
        this.#playing = false;
        return;
      }
      this.#queue.push(data);
      // Late for good, as after a stall: catch up.
      if (this.#queue.length > MOST) {
        this.#queue.splice(0, this.#queue.length - READY);
        this.#at = 0;
      }
    };
  }

  process(_, [[out]]) {
    if (!this.#playing && this.#queue.length >= READY) this.#playing = true;
    let i = 0;
    while (this.#playing && i < out.length) {
      const packet = this.#queue[0];
      if (!packet) {
        this.#playing = false;
        this.#underruns++;
        break;
      }
      const n = Math.min(out.length - i, packet.samples.length - this.#at);
      out.set(packet.samples.subarray(this.#at, this.#at + n), i);
      i += n;
      this.#at += n;
      if (this.#at === packet.samples.length) {
        this.#queue.shift();
        this.#at = 0;
      }
    }
    if (this.#quanta++ % 4 === 0 && this.#queue.length) {
      const position = this.#queue[0].k + this.#at / this.#queue[0].samples.length;
      this.port.postMessage({ position, waiting: this.#queue.length, underruns: this.#underruns });
    }
    return true;
  }
});

/** Collects 40 ms of the microphone as 16-bit samples. */
registerProcessor('recorder', class extends AudioWorkletProcessor {
  #samples = new Int16Array(Math.round(sampleRate / 25));
  #at = 0;

  process([[input]]) {
    for (const x of input ?? []) {
      this.#samples[this.#at++] = Math.max(-1, Math.min(1, x)) * 32767;
      if (this.#at === this.#samples.length) {
        this.port.postMessage(this.#samples.slice());
        this.#at = 0;
      }
    }
    return true;
  }
});
