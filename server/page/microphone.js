// The microphone: asked for, chosen, muted, measured.

const REFUSED = {
  NotAllowedError: 'The microphone is not allowed. You can type instead, or allow it in the address bar.',
  NotFoundError: 'There is no microphone. You can type instead.',
  NotReadableError: 'Another program has the microphone. You can type meanwhile.',
  OverconstrainedError: 'That microphone is gone. Choose another one, or type.',
};
const NOT_PASSED_ON = 'The page around this one does not let it have the microphone. You can type instead.';

/** Events: `samples` (detail: Int16Array), `silent` (it stopped sending). */
export class Microphone extends EventTarget {
  #context;
  #stream = null;
  #source = null;
  #recorder = null;
  #open = true;
  #level = 0;

  constructor(context) {
    super();
    this.#context = context;
  }

  get track() { return this.#stream?.getAudioTracks()[0] ?? null; }
  get isOpen() { return this.#open && this.track !== null; }
  get level() { return this.#level; }
  get rate() { return this.#context.sampleRate; }

  /** Throws an Error with a sentence for the user. */
  async start(deviceId = '') {
    if (!navigator.mediaDevices) {
      throw new Error('Browsers give a microphone only to pages over https or on this machine. You can type instead.');
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: {
          echoCancellation: true, noiseSuppression: true, autoGainControl: true,
          ...(deviceId && { deviceId: { exact: deviceId } }),
        },
      });
    } catch (error) {
      if (error.name === 'NotAllowedError' && document.featurePolicy?.allowsFeature('microphone') === false) {
        throw new Error(NOT_PASSED_ON);
      }
      throw new Error(REFUSED[error.name] ?? `The microphone can't be used: ${error.message}`);
    }
    this.stop();
    this.#stream = stream;
    this.track.enabled = this.#open;
    this.track.addEventListener('ended', () => this.stop());
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#recorder = new AudioWorkletNode(this.#context, 'recorder', { numberOfOutputs: 0 });
    this.#recorder.port.onmessage = ({ data }) => {
      this.#level = this.#open ? Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length) / 32768 : 0;
      if (this.#open) this.dispatchEvent(new CustomEvent('samples', { detail: data }));
    };
    this.#source.connect(this.#recorder);
  }

  /** Lets it be heard, or not. */
  set open(open) {
    const falls = this.#open && !open;
    this.#open = open;
    if (this.track) this.track.enabled = open;
    if (falls) this.dispatchEvent(new Event('silent'));
  }

  stop() {
    this.#source?.disconnect();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    const heard = this.#stream !== null;
    this.#stream = this.#source = this.#recorder = null;
    this.#level = 0;
    if (heard) this.dispatchEvent(new Event('silent'));
  }

  /** Lists the microphones that there are in a `<select>`, which keeps its choice. */
  static async list(select) {
    const all = await navigator.mediaDevices?.enumerateDevices() ?? [];
    const known = all.filter(device => device.kind === 'audioinput' && device.deviceId);
    const options = known.map(device => new Option(device.label || 'Microphone', device.deviceId));
    const chosen = select.value;
    select.replaceChildren(new Option('Default', ''), ...options);
    select.value = chosen;
  }
}
