/** The destination of pictures: a canvas, a stream or both, by whatever the browser can do. */
import { EssenceError } from "./errors.js";
import type { SessionCall } from "./protocol.js";

/** Chromium's, which takes frames from a worker. */
declare class MediaStreamTrackGenerator extends MediaStreamTrack {
  constructor(options: { kind: "video" });
  readonly writable: WritableStream<VideoFrame>;
}

/** A session's pictures on the page. */
export interface Output {
  /** The worker's part, and the objects that go over to it. */
  readonly call: Pick<SessionCall, "canvas" | "writable" | "bitmaps">;
  readonly transfer: Transferable[];
  /** Whether the worker is to make a track. */
  readonly wantsTrack: boolean;
  readonly stream: MediaStream | undefined;
  addTrack(track: MediaStreamTrack): void;
  addSound(sound: MediaStream): void;
  begin(width: number, height: number): void;
  show(bitmap: ImageBitmap): void;
  end(): void;
}

/** The pictures of a session go to `canvas`, if there is one, and to a stream, if one is wanted. */
export function outputTo(canvas: HTMLCanvasElement | undefined, wantsStream: boolean): Output {
  const stream = wantsStream ? new MediaStream() : undefined;
  const addTrack = (track: MediaStreamTrack) => stream?.addTrack(track);
  const common = {
    stream,
    addTrack,
    addSound: (sound: MediaStream) => sound.getAudioTracks().forEach(addTrack),
    end: () => stream?.getTracks().forEach((track) => track.stop()),
  };
  const generates = "MediaStreamTrackGenerator" in globalThis;
  // Workers of Safari make tracks; its pages don't.
  const inWorker = wantsStream && !generates && !("captureStream" in HTMLCanvasElement.prototype);
  // A canvas whose control was given away captures a third of its frames, or throws.
  const captured = wantsStream && !generates && !inWorker;
  if (captured || (canvas !== undefined && !("transferControlToOffscreen" in canvas))) {
    const page = canvas ?? document.createElement("canvas");
    const context = page.getContext("bitmaprenderer");
    if (context === null) {
      throw new EssenceError("InvalidState", "the canvas has a context of another kind already");
    }
    return {
      ...common,
      call: { bitmaps: true },
      transfer: [],
      wantsTrack: inWorker,
      begin(width, height) {
        Object.assign(page, { width, height });
        if (captured) page.captureStream().getVideoTracks().forEach(addTrack);
      },
      show: (bitmap) => context.transferFromImageBitmap(bitmap),
    };
  }
  const offscreen = canvas && transferred(canvas);
  let writable;
  if (wantsStream && generates) {
    const generator = new MediaStreamTrackGenerator({ kind: "video" });
    addTrack(generator);
    ({ writable } = generator);
  }
  return {
    ...common,
    call: { bitmaps: false, ...(offscreen && { canvas: offscreen }), ...(writable && { writable }) },
    transfer: [...(offscreen ? [offscreen] : []), ...(writable ? [writable] : [])],
    wantsTrack: inWorker,
    begin: () => {},
    show: (bitmap) => bitmap.close(),
  };
}

function transferred(canvas: HTMLCanvasElement): OffscreenCanvas {
  try {
    return canvas.transferControlToOffscreen();
  } catch {
    const message = "the canvas is in use: it has a context, or belongs to another session";
    throw new EssenceError("InvalidState", message);
  }
}
