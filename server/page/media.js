// Pictures and sound out of WebSocket messages, by WebCodecs, on the clock of the sound.
// The header of a message: kind, 0, interruptions (u16), frame number k (u32), little-endian; then the payload.

const HEADER = 8;
const [PICTURE, KEY_PICTURE, OPUS, PCM, MICROPHONE, KEY_WANTED, PICTURES] = [0, 1, 2, 3, 16, 18, 19];
const FRAME_US = 40_000;
const FRAME_MS = 40;

/**
 * How far pictures go ahead of their sound, at most: it waits longer than they, in the worklet's queue and on the way
 * to the loudspeaker. Nobody sees that up to 125 ms, and an answer is seen so much earlier.
 */
const LEAD_MS = 80;

/**
 * Seconds from a sample's being played until it is heard. Firefox asks its sound server for it while it holds the
 * lock that the sound's own thread waits for, and may stand still for ever: it isn't asked there.
 */
const latency = context => (/\bFirefox\//.test(navigator.userAgent) ? 0.03 : context.outputLatency || 0);

const VIDEO = { codec: 'avc1.42e01f', optimizeForLatency: true };

/** Why this browser can't play what comes over a WebSocket; empty where it can. */
export async function reasonAgainst() {
  if (!('VideoDecoder' in window && 'AudioWorkletNode' in window)) return 'it is too old and knows no WebCodecs';
  const { supported } = await VideoDecoder.isConfigSupported(VIDEO);
  return supported ? '' : 'it has no decoder for H.264 (Firefox on Linux takes that of libavcodec)';
}

/** The sound to ask for: browsers without an Opus decoder take samples. */
export const soundName = () => ('AudioDecoder' in window ? 'opus' : 'pcm');

function message(kind, flag = 0, value = 0, payload = new Uint8Array()) {
  const bytes = new Uint8Array(HEADER + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint8(1, flag);
  view.setUint32(4, value, true);
  bytes.set(payload, HEADER);
  return bytes;
}

export const microphoneMessage = (samples, rate) =>
  message(MICROPHONE, 0, rate, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
export const visibilityMessage = visible => message(PICTURES, visible ? 1 : 0);

export class Player {
  #canvas;
  #picture;
  #context;
  #node;
  #video = null;
  #audio = null;
  #send;
  #frames = [];
  #position = null;
  #interruptions = -1;
  #needsKey = true;
  #animation = 0;
  #shown = [];
  figures = { underruns: 0, waiting: 0, shown: 0 };
  onfirst = null;

  /** `send` takes binary messages to the server. `context` is a running AudioContext with the worklets. */
  constructor(canvas, context, output, send) {
    this.#canvas = canvas;
    this.#picture = canvas.getContext('2d', { alpha: false });
    this.#context = context;
    this.#send = send;
    this.#node = new AudioWorkletNode(context, 'player', { numberOfInputs: 0, outputChannelCount: [1] });
    this.#node.connect(output);
    this.#node.port.onmessage = ({ data }) => {
      this.#position = { at: performance.now(), k: data.position };
      this.figures.waiting = data.waiting;
      this.figures.underruns = data.underruns;
    };
    this.#startVideo();
    if ('AudioDecoder' in window) this.#startAudio();
    const draw = () => { this.#draw(); this.#animation = requestAnimationFrame(draw); };
    draw();
  }

  receive(buffer) {
    const view = new DataView(buffer);
    const kind = view.getUint8(0);
    const interruptions = view.getUint16(2, true);
    const k = view.getUint32(4, true);
    const payload = new Uint8Array(buffer, HEADER);
    if (interruptions !== this.#interruptions) {
      if (this.#interruptions >= 0) this.clear();
      this.#interruptions = interruptions;
    }
    const timestamp = k * FRAME_US;
    if (kind === OPUS && this.#audio) this.#audio.decode(new EncodedAudioChunk({ type: 'key', timestamp, data: payload }));
    else if (kind === PCM) this.#play(k, Float32Array.from(new Int16Array(buffer.slice(HEADER)), x => x / 32768));
    else if (kind === PICTURE || kind === KEY_PICTURE) this.#decode(kind === KEY_PICTURE, timestamp, payload);
  }

  /** Drops sound that is not played yet. */
  clear() { this.#node.port.postMessage({ clear: true }); }

  close() {
    cancelAnimationFrame(this.#animation);
    this.#node.disconnect();
    for (const decoder of [this.#video, this.#audio]) if (decoder?.state !== 'closed') decoder?.close();
    for (const frame of this.#frames) frame.close();
    this.#frames = [];
  }

  #startVideo() {
    this.#needsKey = true;
    this.#video = new VideoDecoder({
      output: frame => {
        this.#frames.push(frame);
        // Nobody draws in a hidden page.
        while (this.#frames.length > 25) this.#frames.shift().close();
      },
      error: () => this.#restartVideo(),
    });
    this.#video.configure(VIDEO);
  }

  #restartVideo() {
    if (this.#video?.state !== 'closed') this.#video?.close();
    this.#startVideo();
    this.#send(message(KEY_WANTED));
  }

  #startAudio() {
    this.#audio = new AudioDecoder({
      output: data => {
        const samples = new Float32Array(data.numberOfFrames);
        data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
        this.#play(Math.round(data.timestamp / FRAME_US), samples);
        data.close();
      },
      error: () => this.#startAudio(),
    });
    this.#audio.configure({ codec: 'opus', sampleRate: 48_000, numberOfChannels: 1 });
  }

  #play(k, samples) { this.#node.port.postMessage({ k, samples }, [samples.buffer]); }

  #decode(key, timestamp, data) {
    if (this.#video.state !== 'configured' || (this.#needsKey && !key)) return;
    this.#needsKey = false;
    try {
      this.#video.decode(new EncodedVideoChunk({ type: key ? 'key' : 'delta', timestamp, data }));
    } catch {
      this.#restartVideo();
    }
  }

  /** Draws the newest picture whose sound is at the loudspeaker soon. */
  #draw() {
    const now = performance.now();
    const position = this.#position;
    let due = Infinity;
    let heard = NaN;
    if (position && now - position.at < 500 && this.#context.state === 'running') {
      heard = position.k + (now - position.at - 1000 * latency(this.#context)) / FRAME_MS;
      due = heard + LEAD_MS / FRAME_MS;
    }
    let frame = null;
    while (this.#frames.length && this.#frames[0].timestamp / FRAME_US <= due) {
      frame?.close();
      frame = this.#frames.shift();
    }
    if (!frame) return;
    const { displayWidth: width, displayHeight: height } = frame;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#picture.drawImage(frame, 0, 0);
    this.figures.ahead = FRAME_MS * (frame.timestamp / FRAME_US - heard);
    frame.close();
    this.figures.shown++;
    this.#shown.push(now);
    while (now - this.#shown[0] > 2000) this.#shown.shift();
    this.figures.rate = this.#shown.length / 2;
    this.onfirst?.();
    this.onfirst = null;
  }
}
