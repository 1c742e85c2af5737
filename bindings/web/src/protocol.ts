/** The messages between page and worker. */
import type { AvatarInfo, Curves, PictureOptions, Statistics, Visemes } from "./engine.js";
import type { PlainError } from "./errors.js";

/** Calls of the page, each answered once. */
export interface Calls {
  open: [{ source: string | ArrayBuffer; base: string; cache: boolean }, AvatarInfo];
  session: [SessionCall, { session: number; width: number; height: number }];
  track: [{ session: number }, MediaStreamTrack];
  push: [{ session: number; samples: Float32Array; sampleRate: number }, void];
  curves: [{ session: number; curves: Curves }, void];
  visemes: [{ session: number; visemes: Visemes }, void];
  flush: [{ session: number }, void];
  interrupt: [{ session: number }, void];
  pause: [{ session: number; paused: boolean }, void];
  mute: [{ session: number; muted: boolean }, void];
  perform: [{ session: number; motion: string }, void];
  emotion: [{ session: number; emotion: string; strength: number }, void];
  statistics: [{ session: number }, Statistics & { memoryBytes: number }];
  rest: [Record<string, never>, void];
  close: [{ session: number }, void];
}

/** How a session begins. */
export interface SessionCall extends PictureOptions {
  /** Samples per second of what is played. */
  sampleRate: number;
  /** To the worklet that plays. */
  player: MessagePort;
  /** Seconds from a sample's being asked for until it is heard. */
  outputLatency: number;
  curves: boolean;
  canvas?: OffscreenCanvas;
  /** Frames for a track. */
  writable?: WritableStream<VideoFrame>;
  /** Pictures are sent to the page. */
  bitmaps: boolean;
}

export type Call = {
  [Name in keyof Calls]: { id: number; name: Name; argument: Calls[Name][0] };
}[keyof Calls];

/** An answer, or news. */
export type Message =
  | { id: number; value: unknown }
  | { id: number; error: PlainError }
  | { progress: { bytes: number; of: number } }
  | { picture: Uint8Array<ArrayBuffer> }
  | { session: number; frame: FrameEvent; bitmap?: ImageBitmap }
  | { session: number; error: PlainError };

/** The facts about a frame as it is shown. */
export interface FrameEvent {
  /** Number of the frame in its session. */
  index: number;
  speech: boolean;
  endOfSpeech: boolean;
  underrun: boolean;
  concealed: boolean;
  /** Pictures that were dropped before this one. */
  skipped: number;
  interruptions: number;
  /** Seconds of pushed sound that are heard with it. */
  sound: number;
  /** Motion that began or ended with it. */
  gestureStarted?: string;
  gestureEnded?: string;
  /** ARKit values, in the order of `AvatarInfo.arkit`; if the session was asked for them. */
  curves?: Float32Array;
  /** Milliseconds by which it was shown after its sound's position; negative: before. */
  late: number;
}
