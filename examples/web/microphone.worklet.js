// The microphone's samples, 20 ms at a time.
registerProcessor(
  "microphone",
  class extends AudioWorkletProcessor {
    #samples = new Float32Array(Math.round(sampleRate / 50));
    #filled = 0;

    process([[input]]) {
      for (const sample of input ?? []) {
        this.#samples[this.#filled++] = sample;
        if (this.#filled === this.#samples.length) {
          this.port.postMessage(this.#samples.slice());
          this.#filled = 0;
        }
      }
      return true;
    }
  },
);
