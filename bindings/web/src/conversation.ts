/** A session in the worker: frames are drawn as the sound card asks for them, and shown with their sound. */
import { PlayerClock } from "./clock.js";
import type { AvatarInfo, Engine, RawFrame } from "./engine.js";
import { plain } from "./errors.js";
import type { PlayerMessage } from "./player.worklet.js";
import type { FrameEvent, Message, SessionCall } from "./protocol.js";
import { Resampler } from "./resample.js";

/** Seconds from a frame's being drawn until its sound is played: what messages may take. */
const LEAD_S = 0.08;
/** Milliseconds between looks at the clock where the worklet says nothing. */
const TICK_MS = 10;
/** Most frames at a time: more are late anyway. */
const MOST = 4;

/** A picture that waits for its time. */
interface Waiting {
  at: number;
  image: ImageData;
  event: FrameEvent;
}

/** Safari's, which makes tracks in workers. */
declare class VideoTrackGenerator {
  readonly track: MediaStreamTrack;
  readonly writable: WritableStream<VideoFrame>;
}

export class Conversation {
  readonly handle: number;
  readonly #engine: Engine;
  readonly #info: AvatarInfo;
  readonly #call: SessionCall;
  readonly #clock: PlayerClock;
  readonly #send: (message: Message, transfer?: Transferable[]) => void;
  readonly #context: OffscreenCanvasRenderingContext2D | undefined;
  #writer: WritableStreamDefaultWriter<VideoFrame> | undefined;
  #resampler: Resampler | undefined;
  #waiting: Waiting[] = [];
  #spare: ImageData[] = [];
  /** The session's time at which the next frame's sound is played. */
  #next = -1;
  #interruptions = 0;
  #drawing = false;
  #ended = false;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly size: { width: number; height: number };

  constructor(
    engine: Engine,
    avatar: number,
    info: AvatarInfo,
    call: SessionCall,
    send: (message: Message, transfer?: Transferable[]) => void,
  ) {
    this.#engine = engine;
    this.#info = info;
    this.#call = call;
    this.#send = send;
    this.handle = engine.session(avatar, "realtime", call);
    const { width = info.width, height = info.height } = call;
    this.size = { width, height };
    if (call.canvas !== undefined) {
      Object.assign(call.canvas, this.size);
      this.#context = call.canvas.getContext("2d", { alpha: info.transparent }) ?? undefined;
    }
    this.#writer = call.writable?.getWriter();
    this.#clock = new PlayerClock(call.sampleRate, performance.now());
    call.player.onmessage = ({ data }: MessageEvent<number>) => {
      // Sound that it was given before it stood still has gone by without it.
      if (this.#clock.set(data, performance.now())) this.#play({ clear: true });
      this.#tick();
    };
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** A track that shows the pictures, where workers can make one. */
  track(): MediaStreamTrack {
    const generator = new VideoTrackGenerator();
    this.#writer = generator.writable.getWriter();
    return generator.track;
  }

  push(samples: Float32Array, sampleRate: number): void {
    const to = this.#call.sampleRate;
    if (this.#resampler !== undefined && this.#resampler.from !== sampleRate) this.#drain();
    if (sampleRate === to) {
      this.#engine.push(this.handle, samples, to);
      return;
    }
    // The engine says which rates there are.
    this.#engine.push(this.handle, samples.subarray(0, 0), sampleRate);
    this.#resampler ??= new Resampler(sampleRate, to);
    const resampled = this.#resampler.push(samples);
    if (resampled.length > 0) this.#engine.push(this.handle, resampled, to);
  }

  flush(): void {
    this.#drain();
    this.#engine.flush(this.handle);
  }

  interrupt(): void {
    this.#resampler = undefined;
    this.#engine.interrupt(this.handle);
    this.#tick();
  }

  close(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#call.player.close();
    void this.#writer?.close().catch(() => {});
    this.#engine.close(this.handle);
  }

  #drain(): void {
    const rest = this.#resampler?.end();
    this.#resampler = undefined;
    if (rest !== undefined && rest.length > 0) {
      this.#engine.push(this.handle, rest, this.#call.sampleRate);
    }
  }

  #tick(): void {
    if (this.#drawing || this.#ended) return;
    this.#drawing = true;
    try {
      let now = this.#clock.read(performance.now());
      this.#engine.setPosition(this.handle, now);
      for (let i = 0; i < MOST; i++) {
        const frame = this.#engine.next(this.handle);
        if (frame === undefined) break;
        // Drawing takes its time.
        now = this.#clock.read(performance.now());
        this.#schedule(frame, now);
      }
      this.#show(now);
    } catch (error) {
      this.#ended = true;
      clearInterval(this.#timer);
      this.#send({ session: this.handle, error: plain(error) });
    } finally {
      this.#drawing = false;
    }
  }

  /** Gives a frame's sound to the worklet and keeps its picture until that is heard. */
  #schedule(frame: RawFrame, now: number): void {
    const { width, height } = frame;
    if (frame.interruptions !== this.#interruptions) {
      this.#interruptions = frame.interruptions;
      this.#play({ clear: true });
      for (const { image } of this.#waiting) this.#spare.push(image);
      this.#waiting = [];
      this.#next = -1;
    }
    // Behind the sound before it, unless that is over or too far ahead.
    if (this.#next < now + LEAD_S / 4 || this.#next > now + 3 * LEAD_S) this.#next = now + LEAD_S;
    const at = this.#next;
    this.#next += 0.04 * (1 + frame.skipped);
    // While nothing plays, it would pile up.
    if (frame.audio.length > 0 && this.#clock.plays) {
      this.#play({ start: this.#clock.sample(at), samples: frame.audio.slice() });
    }
    const image = this.#spare.pop() ?? new ImageData(width, height);
    image.data.set(frame.pixels);
    const motion = (place: number) => this.#info.motions[place];
    const [started, ended] = [motion(frame.gestureStarted), motion(frame.gestureEnded)];
    const event: FrameEvent = {
      index: frame.index,
      speech: frame.speech,
      endOfSpeech: frame.endOfSpeech,
      underrun: frame.underrun,
      concealed: frame.concealed,
      skipped: frame.skipped,
      interruptions: frame.interruptions,
      sound: frame.audio.length / (frame.sampleRate || 1),
      late: 0,
      ...(started === undefined ? {} : { gestureStarted: started }),
      ...(ended === undefined ? {} : { gestureEnded: ended }),
      ...(this.#call.curves ? { curves: frame.curves.slice() } : {}),
    };
    this.#waiting.push({ at: at + this.#call.outputLatency, image, event });
  }

  /** Shows the picture whose time has come, the last one of several. */
  #show(now: number): void {
    let due: Waiting | undefined;
    while (this.#waiting[0] !== undefined && this.#waiting[0].at <= now + TICK_MS / 2000) {
      if (due !== undefined) this.#tell(due, now);
      due = this.#waiting.shift();
    }
    if (due === undefined) return;
    const { image, at } = due;
    this.#context?.putImageData(image, 0, 0);
    if (this.#writer !== undefined) this.#write(image, at);
    if (this.#call.bitmaps) {
      const { event } = due;
      const { session, late } = { session: this.handle, late: 1000 * (now - at) };
      void createImageBitmap(image).then((bitmap) => {
        this.#spare.push(image);
        this.#send({ session, frame: { ...event, late }, bitmap }, [bitmap]);
      });
      return;
    }
    this.#tell(due, now);
  }

  #tell({ image, at, event }: Waiting, now: number): void {
    this.#spare.push(image);
    this.#send({ session: this.handle, frame: { ...event, late: 1000 * (now - at) } });
  }

  #write(image: ImageData, at: number): void {
    // A consumer that is slow misses pictures.
    if ((this.#writer?.desiredSize ?? 0) <= 0) return;
    const frame = new VideoFrame(image.data, {
      format: this.#info.transparent ? "RGBA" : "RGBX",
      codedWidth: image.width,
      codedHeight: image.height,
      timestamp: Math.round(at * 1e6),
      duration: 40_000,
    });
    void this.#writer?.write(frame).catch(() => {
      frame.close();
      this.#writer = undefined;
    });
  }

  #play(message: PlayerMessage): void {
    const transfer = "samples" in message ? [message.samples.buffer as ArrayBuffer] : [];
    this.#call.player.postMessage(message, transfer);
  }
}
