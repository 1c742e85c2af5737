/** Modules and avatars, loaded. */
import { Engine } from "./engine.js";
import { EssenceError } from "./errors.js";
import type { Source } from "./source.js";

/** The module's builds. */
type Build = "essence" | "essence-relaxed" | "essence-portrait";

/** A function with two bytes of code that only relaxed SIMD knows: `i8x16.relaxed_swizzle`. */
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15,
  65, 2, 253, 15, 253, 128, 2, 11,
];
/** The same with SIMD alone: `i8x16.splat`. */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 1, 253, 15, 11,
];

const knows = (code: number[]) => WebAssembly.validate(new Uint8Array(code));

/** The build for the avatars of base frames: the fastest that this browser knows. */
export function fastest(): Build {
  if (!knows(SIMD)) {
    const message = "this browser has no WebAssembly SIMD: Chrome 91, Firefox 89 and Safari 16.4 have";
    throw new EssenceError("UnsupportedVersion", message);
  }
  return knows(RELAXED) ? "essence-relaxed" : "essence";
}

/** Reads modules. */
export type Modules = (build: Build) => Promise<WebAssembly.Module>;

/** Modules below a URL. */
export function modulesAt(base: string, signal: AbortSignal): Modules {
  return async (build) => {
    const url = new URL(`${build}.wasm`, base).href;
    const response = await fetch(url, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      throw new EssenceError("Io", `${url} can't be reached: ${reason}`);
    });
    if (!response.ok) {
      throw new EssenceError("NotFound", `${url}: the server answers ${response.status}`);
    }
    try {
      // Compiles while it arrives, where the server gives the right type.
      return response.headers.get("content-type") === "application/wasm"
        ? await WebAssembly.compileStreaming(response)
        : await WebAssembly.compile(await response.arrayBuffer());
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      const csp = /content.security.policy|unsafe-eval|blocked by CSP/i.test(reason);
      throw new EssenceError(
        csp ? "InvalidState" : "Io",
        csp
          ? "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to script-src"
          : `${url} can't be compiled: ${reason}`,
      );
    }
  };
}

/** An avatar that was opened, and the engine that it is in. */
export interface Loaded {
  engine: Engine;
  avatar: number;
  /** Reads what hasn't been read yet: base frames. */
  rest: () => Promise<void>;
}

/** Pieces that are under way at a time. */
const AT_A_TIME = 3;

/**
 * Opens an avatar as soon as what it needs has been read.
 *
 * `onPicture` is given its first picture, an image file, long before that.
 */
export async function load(
  modules: Modules,
  source: Source,
  onPicture: (picture: Uint8Array<ArrayBuffer>) => void = () => {},
): Promise<Loaded> {
  let engine = await Engine.create(await modules(fastest()));
  const first = await source.read(0, Math.min(4, source.size));
  if (first[0] === 0x50 && first[1] === 0x4b) return whole(modules, engine, source);
  let loader = engine.loader(source.size);
  const begun: [number, Uint8Array][] = [];
  const take = (avatar: number, begin: number, bytes: Uint8Array) =>
    engine.take(loader, avatar, begin, bytes);
  // Table and manifest say what the avatar is.
  while (engine.isPortrait(loader) === undefined) {
    const [begin, end] = engine.nextRange(loader) ?? missing();
    const bytes = await source.read(begin, end);
    take(0, begin, bytes);
    begun.push([begin, bytes]);
  }
  if (engine.isPortrait(loader)) {
    engine = await Engine.create(await modules("essence-portrait"));
    loader = engine.loader(source.size);
    for (const [begin, bytes] of begun) {
      engine.nextRange(loader);
      take(0, begin, bytes);
    }
  }
  let shown = false;
  const show = () => {
    const picture = shown ? undefined : engine.picture(loader);
    if (picture === undefined) return;
    shown = true;
    onPicture(picture);
  };
  for (;;) {
    await read(engine, loader, source, 0, show);
    const avatar = engine.openLoaded(loader);
    if (avatar === undefined) continue;
    const rest = async () => {
      await read(engine, loader, source, avatar, show);
      engine.close(loader);
    };
    return { engine, avatar, rest };
  }
}

/** Reads until an avatar can be opened or, if it is open already, to the end. */
async function read(
  engine: Engine,
  loader: number,
  source: Source,
  avatar: number,
  onPiece: () => void,
): Promise<void> {
  const under: Promise<void>[] = [];
  let ready = false;
  let failed: unknown;
  const start = () => {
    const range = engine.nextRange(loader);
    if (range === undefined) return false;
    const [begin, end] = range;
    const piece = source.read(begin, end).then(
      (bytes) => {
        ready = engine.take(loader, avatar, begin, bytes) || ready;
        onPiece();
      },
      (error: unknown) => {
        failed ??= error;
      },
    );
    under.push(piece.catch((error: unknown) => void (failed ??= error)));
    return true;
  };
  while (avatar !== 0 || !ready) {
    while (under.length < AT_A_TIME && start());
    const next = under.shift();
    if (next === undefined) break;
    await next;
    if (failed !== undefined) throw failed;
  }
  // Pieces under way still belong to it.
  await Promise.all(under);
  if (failed !== undefined) throw failed;
}

/** An archive, which is read to the end. */
async function whole(modules: Modules, engine: Engine, source: Source): Promise<Loaded> {
  const bytes = await source.read(0, source.size);
  const rest = () => Promise.resolve();
  try {
    return { engine, avatar: engine.open(bytes), rest };
  } catch (error) {
    if (!(error instanceof EssenceError) || error.kind !== "UnsupportedFormat") throw error;
    const other = await Engine.create(await modules("essence-portrait"));
    return { engine: other, avatar: other.open(bytes), rest };
  }
}

function missing(): never {
  throw new EssenceError("InvalidAvatar", "the file has no manifest");
}
