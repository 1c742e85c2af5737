/** Conversations on the page. */
import type { Curves, PictureOptions, Statistics, Visemes } from "./engine.js";
import { EssenceError, type PlainError, revived } from "./errors.js";
import type { Link } from "./link.js";
import { type Output, outputTo } from "./output.js";
import { outputLatency, Player } from "./player.js";
import type { FrameEvent, SessionCall } from "./protocol.js";

/** How a conversation begins. */
export interface SessionOptions extends PictureOptions {
  /** A canvas to draw on; it takes on the pictures' size. */
  canvas?: HTMLCanvasElement;
  /** Whether there is a {@link Session.stream}, for WebRTC, recording or a `<video>`. */
  mediaStream?: boolean;
  /** The context that plays sound. Default: a context of its own, at `sampleRate`. */
  audioContext?: AudioContext;
  /** Samples per second of the context that is made. Default: the device's own. */
  sampleRate?: number;
  /** Whether the sound is played. Default: true; a stream has it in any case. */
  audible?: boolean;
  /** The node that it is played to, of `audioContext`. Default: that context's loudspeaker. */
  destination?: AudioNode;
  /** Whether frames come with ARKit values. */
  curves?: boolean;
}

/** Events of a session; `detail` is what is listed here. */
export interface SessionEvents {
  /** A frame is shown. */
  frame: FrameEvent;
  /** The last frame of an utterance is shown. */
  "end-of-speech": FrameEvent;
  /** A gesture begins or ends. */
  gesture: { motion: string; phase: "start" | "end" };
  /** The session has ended by itself. */
  error: Error;
}

type Listener<Name extends keyof SessionEvents> = (event: CustomEvent<SessionEvents[Name]>) => void;

/** A conversation with an avatar: audio in, pictures and sound out. */
export class Session extends EventTarget {
  readonly #link: Link;
  readonly #sessions: Map<number, Session>;
  readonly #context: AudioContext;
  readonly #player: Player;
  readonly #output: Output;
  readonly #ends = new AbortController();
  readonly #ownsContext: boolean;
  #session = 0;

  /** Width and height of the pictures. */
  readonly width: number = 0;
  readonly height: number = 0;

  private constructor(
    link: Link,
    sessions: Map<number, Session>,
    context: AudioContext,
    ownsContext: boolean,
    player: Player,
    output: Output,
  ) {
    super();
    this.#link = link;
    this.#sessions = sessions;
    this.#context = context;
    this.#ownsContext = ownsContext;
    this.#player = player;
    this.#output = output;
  }

  /** @internal */
  static async start(
    link: Link,
    sessions: Map<number, Session>,
    base: string,
    options: SessionOptions,
  ): Promise<Session> {
    const { canvas, mediaStream = false, curves = false, audible = true, sampleRate } = options;
    const settings = { latencyHint: "interactive" as const, ...(sampleRate && { sampleRate }) };
    const context = options.audioContext ?? new AudioContext(settings);
    try {
      const output = outputTo(canvas, mediaStream);
      const destinations = audible ? [options.destination ?? context.destination] : [];
      if (mediaStream) {
        const sound = context.createMediaStreamDestination();
        destinations.push(sound);
        output.addSound(sound.stream);
      }
      const player = await Player.start(context, base, destinations);
      const { width, height, fit, background } = options;
      const call: SessionCall = {
        ...(width === undefined ? {} : { width }),
        ...(height === undefined ? {} : { height }),
        ...(fit === undefined ? {} : { fit }),
        ...(background === undefined ? {} : { background }),
        sampleRate: context.sampleRate,
        player: player.port,
        outputLatency: outputLatency(context),
        curves,
        ...output.call,
      };
      const session = new Session(link, sessions, context, !options.audioContext, player, output);
      const made = await link.call("session", call, [player.port, ...output.transfer]);
      session.#session = made.session;
      Object.assign(session, { width: made.width, height: made.height });
      sessions.set(made.session, session);
      output.begin(made.width, made.height);
      if (output.wantsTrack) output.addTrack(await link.call("track", { session: made.session }));
      session.#followGestures();
      return session;
    } catch (error) {
      if (!options.audioContext) void context.close();
      throw error;
    }
  }

  /** Picture and sound, if asked for by `mediaStream`. */
  get stream(): MediaStream | undefined {
    return this.#output.stream;
  }

  /** The context that plays sound. Suspended until the user clicks, as browsers have it. */
  get audioContext(): AudioContext {
    return this.#context;
  }

  /**
   * Pushes speech, of any length: floats from -1 to 1 or 16-bit integers, one channel. At another rate
   * than the context's, it is resampled.
   */
  async pushAudio(samples: Float32Array | Int16Array, sampleRate: number): Promise<void> {
    const floats =
      samples instanceof Int16Array ? Float32Array.from(samples, (x) => x / 32768) : samples.slice();
    const argument = { session: this.#open(), samples: floats, sampleRate };
    await this.#link.call("push", argument, [floats.buffer as ArrayBuffer]);
  }

  /** Ends the utterance; its last frame comes with `end-of-speech`. */
  async flush(): Promise<void> {
    await this.#link.call("flush", { session: this.#open() });
  }

  /** Drops everything that was pushed; the mouth closes at once. */
  async interrupt(): Promise<void> {
    await this.#link.call("interrupt", { session: this.#open() });
  }

  /** Pauses speech, or lets it go on. */
  async setPaused(paused: boolean): Promise<void> {
    await this.#link.call("pause", { session: this.#open(), paused });
  }

  /** Mutes speech, or lets it be heard again. */
  async setMuted(muted: boolean): Promise<void> {
    await this.#link.call("mute", { session: this.#open(), muted });
  }

  /** Plays one of the avatar's motions once. */
  async perform(motion: string): Promise<void> {
    await this.#link.call("perform", { session: this.#open(), motion });
  }

  /** Shows an emotion, by a strength from 0 to 1. */
  async setEmotion(emotion: string, strength = 1): Promise<void> {
    await this.#link.call("emotion", { session: this.#open(), emotion, strength });
  }

  /** Drives the mouth by ARKit values, in place of the speech network. Push them before their sound. */
  async pushCurves(curves: Curves): Promise<void> {
    await this.#link.call("curves", { session: this.#open(), curves });
  }

  /** Drives the mouth by visemes or phonemes. Push them before their sound. */
  async pushVisemes(visemes: Visemes): Promise<void> {
    await this.#link.call("visemes", { session: this.#open(), visemes });
  }

  /** Counts since the session began, and the engine's memory. */
  statistics(): Promise<Statistics & { memoryBytes: number }> {
    return this.#link.call("statistics", { session: this.#open() });
  }

  /** Ends the conversation. */
  close(): void {
    if (!this.#sessions.delete(this.#session)) return;
    void this.#link.call("close", { session: this.#session }).catch(() => {});
    this.#ends.abort();
    this.#player.end();
    this.#output.end();
    if (this.#ownsContext) void this.#context.close();
  }

  override addEventListener<Name extends keyof SessionEvents>(
    type: Name,
    listener: Listener<Name>,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: unknown,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener as EventListener, options);
  }

  /** @internal */
  receive(frame: FrameEvent, bitmap: ImageBitmap | undefined): void {
    if (bitmap !== undefined) this.#output.show(bitmap);
    this.#dispatch("frame", frame);
    const { gestureStarted, gestureEnded } = frame;
    if (gestureEnded !== undefined) this.#dispatch("gesture", { motion: gestureEnded, phase: "end" });
    if (gestureStarted !== undefined) {
      this.#dispatch("gesture", { motion: gestureStarted, phase: "start" });
    }
    if (frame.endOfSpeech) this.#dispatch("end-of-speech", frame);
  }

  /** @internal */
  fail(error: PlainError): void {
    this.end(revived(error));
  }

  /** @internal Ends by itself, or as the page wished. */
  end(reason: Error | undefined): void {
    this.close();
    if (reason !== undefined) this.#dispatch("error", reason);
  }

  /** Browsers let sound begin with the user's next gesture. */
  #followGestures(): void {
    const { signal } = this.#ends;
    const resume = () => void this.#context.resume().catch(() => {});
    resume();
    for (const type of ["pointerdown", "keydown"]) {
      document.addEventListener(type, resume, { signal, passive: true });
    }
  }

  #dispatch<Name extends keyof SessionEvents>(type: Name, detail: SessionEvents[Name]): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #open(): number {
    if (!this.#sessions.has(this.#session)) {
      throw new EssenceError("InvalidState", "the session was closed");
    }
    return this.#session;
  }
}
