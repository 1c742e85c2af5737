/**
 * The WebAssembly module behind functions with JavaScript's types. Runs in a worker, and in Node.
 *
 * Memory of the module may grow in any call, which detaches all views: views are made anew each time.
 */
import { EssenceError, KINDS } from "./errors.js";

/** Version of the module's interface. */
const VERSION = 1;
/** Doubles that describe a frame. */
const FACTS = 16;

/** The module's exports: numbers in, numbers out. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  web_version(): number;
  web_start(): void;
  web_error(): number;
  web_error_length(): number;
  web_error_kind(): number;
  web_panic(): number;
  web_panic_length(): number;
  web_text(): number;
  web_alloc(length: number): number;
  web_free(address: number): void;
  web_close(handle: number): void;
  web_open(address: number, length: number): number;
  web_open_loaded(loader: number): number;
  web_describe(avatar: number): number;
  web_loader(size: number): number;
  web_loader_next(loader: number, out: number): number;
  web_loader_take(loader: number, avatar: number, start: number, at: number, n: number): number;
  web_loader_picture(loader: number, out: number): number;
  web_loader_is_portrait(loader: number): number;
  web_session(
    avatar: number,
    pacing: number,
    width: number,
    height: number,
    fit: number,
    background: number,
  ): number;
  web_push(session: number, at: number, count: number, rate: number, channels: number): number;
  web_push_curves(
    session: number,
    names: number,
    namesLength: number,
    times: number,
    count: number,
    values: number,
    how: number,
  ): number;
  web_push_visemes(
    session: number,
    symbols: number,
    length: number,
    times: number,
    how: number,
  ): number;
  web_flush(session: number): number;
  web_interrupt(session: number): number;
  web_pause(session: number, paused: number): number;
  web_mute(session: number, muted: number): number;
  web_perform(session: number, at: number, length: number): number;
  web_emotion(session: number, at: number, length: number, strength: number): number;
  web_position(session: number, seconds: number): number;
  web_restart(session: number): number;
  web_next(session: number): number;
  web_frame(session: number): number;
  web_statistics(session: number, out: number): number;
}

/** Description of an avatar. */
export interface AvatarInfo {
  name: string;
  license: string;
  /** The model family: `essence` (base frames) or `expression` (one picture that is moved). */
  family: string;
  width: number;
  height: number;
  /** Whether pictures are transparent around the avatar. */
  transparent: boolean;
  /** Names for `perform`. */
  motions: string[];
  /** Names for `setEmotion`. */
  emotions: string[];
  /** Names of the values in `curves`. */
  arkit: string[];
  /** Whether the mouth's network runs in 8 bits. */
  eightBits: boolean;
}

/** A frame of a session. Its views are of the module's memory: valid until the next call. */
export interface RawFrame {
  pixels: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
  audio: Float32Array<ArrayBuffer>;
  sampleRate: number;
  curves: Float32Array<ArrayBuffer>;
  index: number;
  speech: boolean;
  endOfSpeech: boolean;
  underrun: boolean;
  late: boolean;
  muted: boolean;
  concealed: boolean;
  skipped: number;
  interruptions: number;
  gestureStarted: number;
  gestureEnded: number;
  baseFrame: number;
}

/** Counts since a session began. */
export interface Statistics {
  frames: number;
  skipped: number;
  underruns: number;
  concealed: number;
  restarts: number;
}

/** How the pictures of a session look. */
export interface PictureOptions {
  /** Size of the pictures; the avatar's own unless both are given. */
  width?: number;
  height?: number;
  /** How the avatar's picture fits into another size. Default: contain. */
  fit?: "contain" | "cover";
  /** A color behind transparent avatars and for bars: `0xrrggbb`. */
  background?: number;
}

/** Keyframes of ARKit values. */
export interface Curves {
  names: string[];
  /** Seconds from the utterance's start. */
  times: number[];
  /** A value for each time and name: `[times, names]`. */
  values: number[] | Float32Array;
  /** Passes over names that the avatar lacks. */
  ignoreUnknown?: boolean;
  /** No sound comes with the utterance. */
  withoutSound?: boolean;
}

/** Visemes or phonemes in time. */
export interface Visemes {
  /** The set that their names are of. */
  set: "arpabet" | "azure" | "espeak" | "ipa" | "oculus" | "polly";
  /** Begin (and end, unless it is the next one's begin) in seconds from the utterance's start. */
  visemes: { symbol: string; start: number; end?: number }[];
  /** Takes symbols that the set lacks as a part of the viseme before. */
  ignoreUnknown?: boolean;
  /** No sound comes with the utterance. */
  withoutSound?: boolean;
}

const text = new TextDecoder();

/** One instance of the module. */
export class Engine {
  readonly #exports: Exports;
  /** For results of a few doubles. */
  readonly #out: number;

  private constructor(exports: Exports) {
    this.#exports = exports;
    if (typeof exports.web_version !== "function" || exports.web_version() !== VERSION) {
      throw new EssenceError("UnsupportedVersion", "the module is of another version than this code");
    }
    exports.web_start();
    this.#out = this.#alloc(8 * FACTS);
  }

  /** An engine out of the compiled module. */
  static async create(module: WebAssembly.Module): Promise<Engine> {
    const essence = { now_ms: () => performance.now() };
    const instance = await WebAssembly.instantiate(module, { essence });
    return new Engine(instance.exports as unknown as Exports);
  }

  /** Bytes of memory that the module has. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Opens an avatar of these bytes: its handle. */
  open(bytes: Uint8Array): number {
    return this.#call(() => this.#exports.web_open(this.#put(bytes), bytes.length));
  }

  /** Opens what a loader has read; undefined if it has to read more first. */
  openLoaded(loader: number): number | undefined {
    return this.#call(() => this.#exports.web_open_loaded(loader)) || undefined;
  }

  describe(avatar: number): AvatarInfo {
    const length = this.#call(() => this.#exports.web_describe(avatar));
    return JSON.parse(this.#text(this.#exports.web_text(), length)) as AvatarInfo;
  }

  /** Lets go of an avatar, a session or a loader. */
  close(handle: number): void {
    this.#exports.web_close(handle);
  }

  /** A loader of a file of so many bytes. */
  loader(size: number): number {
    return this.#call(() => this.#exports.web_loader(size));
  }

  /** The bytes that a loader needs next, if any: begin and end. */
  nextRange(loader: number): [number, number] | undefined {
    if (this.#call(() => this.#exports.web_loader_next(loader, this.#out)) === 0) return undefined;
    const [begin, end] = this.#doubles(2);
    return [begin as number, end as number];
  }

  /** Gives a loader such bytes; members go to the avatar, if it is open. Whether it can be opened. */
  take(loader: number, avatar: number, start: number, bytes: Uint8Array): boolean {
    const take = () =>
      this.#exports.web_loader_take(loader, avatar, start, this.#put(bytes), bytes.length);
    return this.#call(take) === 1;
  }

  /** Whether a loader reads an avatar that is one picture; undefined as long as it doesn't know. */
  isPortrait(loader: number): boolean | undefined {
    const answer = this.#call(() => this.#exports.web_loader_is_portrait(loader));
    return answer === 2 ? undefined : answer === 1;
  }

  /** A copy of the avatar's first picture, an image file, once it has been read. */
  picture(loader: number): Uint8Array<ArrayBuffer> | undefined {
    const length = this.#call(() => this.#exports.web_loader_picture(loader, this.#out));
    return length === 0 ? undefined : this.#bytes(this.#doubles(1)[0] as number, length).slice();
  }

  /** Starts a session: its handle. */
  session(avatar: number, pacing: "realtime" | "unpaced", options: PictureOptions = {}): number {
    const { width = 0, height = 0, fit = "contain", background = -1 } = options;
    return this.#call(() =>
      this.#exports.web_session(
        avatar,
        pacing === "realtime" ? 1 : 0,
        width,
        height,
        fit === "cover" ? 1 : 0,
        background,
      ),
    );
  }

  /** Pushes samples, interleaved. */
  push(session: number, samples: Float32Array, sampleRate: number, channels = 1): void {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    this.#with([bytes], ([at]) =>
      this.#exports.web_push(session, at, samples.length, sampleRate, channels),
    );
  }

  pushCurves(session: number, curves: Curves): void {
    const { names, times, values } = curves;
    if (values.length !== names.length * times.length) {
      const count = `${names.length} names at ${times.length} times`;
      throw new EssenceError("InvalidArgument", `${values.length} values for ${count}`);
    }
    const parts = [
      encode(lines(names)),
      new Uint8Array(Float64Array.from(times).buffer),
      new Uint8Array(Float32Array.from(values).buffer),
    ];
    this.#with(parts, ([a, b, c]) =>
      this.#exports.web_push_curves(
        session,
        a,
        (parts[0] as Uint8Array).length,
        b,
        times.length,
        c,
        how(curves),
      ),
    );
  }

  pushVisemes(session: number, visemes: Visemes): void {
    const all = visemes.visemes;
    const symbols = encode(lines([visemes.set, ...all.map((viseme) => viseme.symbol)]));
    const times = Float64Array.from(all.flatMap(({ start, end }) => [start, end ?? NaN]));
    this.#with([symbols, new Uint8Array(times.buffer)], ([a, b]) =>
      this.#exports.web_push_visemes(session, a, symbols.length, b, how(visemes)),
    );
  }

  flush(session: number): void {
    this.#call(() => this.#exports.web_flush(session));
  }

  interrupt(session: number): void {
    this.#call(() => this.#exports.web_interrupt(session));
  }

  pause(session: number, paused: boolean): void {
    this.#call(() => this.#exports.web_pause(session, Number(paused)));
  }

  mute(session: number, muted: boolean): void {
    this.#call(() => this.#exports.web_mute(session, Number(muted)));
  }

  perform(session: number, motion: string): void {
    const name = encode(motion);
    this.#with([name], ([at]) => this.#exports.web_perform(session, at, name.length));
  }

  setEmotion(session: number, emotion: string, strength: number): void {
    const name = encode(emotion);
    this.#with([name], ([at]) => this.#exports.web_emotion(session, at, name.length, strength));
  }

  /** Says how many seconds of sound have been played. */
  setPosition(session: number, seconds: number): void {
    this.#call(() => this.#exports.web_position(session, seconds));
  }

  /** The next frame is due at once, and the others follow from it. */
  restart(session: number): void {
    this.#call(() => this.#exports.web_restart(session));
  }

  /** The next frame, if it is due. */
  next(session: number): RawFrame | undefined {
    if (this.#call(() => this.#exports.web_next(session)) !== 1) return undefined;
    const buffer = this.#exports.memory.buffer;
    const facts = new Float64Array(buffer, this.#exports.web_frame(session), FACTS);
    const fact = (place: number) => facts[place] as number;
    const flag = (bit: number) => (fact(9) & (1 << bit)) !== 0;
    return {
      pixels: new Uint8ClampedArray(buffer, fact(0), 4 * fact(1) * fact(2)),
      width: fact(1),
      height: fact(2),
      audio: new Float32Array(buffer, fact(4) === 0 ? 0 : fact(3), fact(4)),
      sampleRate: fact(5),
      curves: new Float32Array(buffer, fact(7) === 0 ? 0 : fact(6), fact(7)),
      index: fact(8),
      speech: flag(0),
      endOfSpeech: flag(1),
      underrun: flag(2),
      late: flag(3),
      muted: flag(4),
      concealed: flag(5),
      skipped: fact(10),
      interruptions: fact(11),
      gestureStarted: fact(12),
      gestureEnded: fact(13),
      baseFrame: fact(14),
    };
  }

  statistics(session: number): Statistics {
    this.#call(() => this.#exports.web_statistics(session, this.#out));
    const [frames, skipped, underruns, concealed, restarts] = this.#doubles(5) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { frames, skipped, underruns, concealed, restarts };
  }

  #call(call: () => number): number {
    let result;
    try {
      result = call();
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      const said = this.#text(this.#exports.web_panic(), this.#exports.web_panic_length());
      throw new EssenceError("Internal", `the engine has ended: ${said || error.message}`);
    }
    if (result < 0) {
      const message = this.#text(this.#exports.web_error(), this.#exports.web_error_length());
      throw new EssenceError(KINDS[this.#exports.web_error_kind()] ?? "Internal", message);
    }
    return result;
  }

  /** Calls with these bytes in buffers of their own. */
  #with(parts: Uint8Array[], call: (addresses: [number, number, number]) => number): void {
    const addresses: number[] = [];
    try {
      for (const part of parts) addresses.push(this.#put(part));
      const [a = 0, b = 0, c = 0] = addresses;
      this.#call(() => call([a, b, c]));
    } finally {
      for (const address of addresses) this.#exports.web_free(address);
    }
  }

  #put(bytes: Uint8Array): number {
    const address = this.#alloc(bytes.length);
    this.#bytes(address, bytes.length).set(bytes);
    return address;
  }

  #alloc(length: number): number {
    // 0 becomes the failure that other calls give.
    return this.#call(() => this.#exports.web_alloc(length) || -1);
  }

  #bytes(address: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#exports.memory.buffer, address, length);
  }

  #doubles(count: number): Float64Array {
    return new Float64Array(this.#exports.memory.buffer, this.#out, count);
  }

  #text(address: number, length: number): string {
    return text.decode(this.#bytes(address, length));
  }
}

function encode(string: string): Uint8Array {
  return new TextEncoder().encode(string);
}

function lines(names: string[]): string {
  const bad = names.find((name) => /[\r\n]/.test(name));
  if (bad !== undefined) {
    throw new EssenceError("InvalidArgument", `${JSON.stringify(bad)} is no name`);
  }
  return names.join("\n");
}

function how(options: { ignoreUnknown?: boolean; withoutSound?: boolean }): number {
  return Number(options.ignoreUnknown ?? false) + 2 * Number(options.withoutSound ?? false);
}
