// Shared by the tests in Node.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Engine } from "../dist/engine.js";
import { load } from "../dist/load.js";
import { ofBytes } from "../dist/source.js";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
export const testdata = (path) => new Uint8Array(readFileSync(join(root, "testdata", path)));
export const avatar = (name) => testdata(`avatars/${name}.imx`);
export const BUILDS = ["essence", "essence-relaxed", "essence-portrait"];

const compiled = new Map();

/** A build of the module, compiled. */
export async function module(build) {
  const path = new URL(`../dist/${build}.wasm`, import.meta.url);
  if (!compiled.has(build)) compiled.set(build, WebAssembly.compile(readFileSync(path)));
  return compiled.get(build);
}

export const engine = async (build = "essence") => Engine.create(await module(build));

/** The samples of a WAV of 16 bits. */
export function speech(rate = 16000) {
  const file = Buffer.from(testdata(`audio/speech_${rate}.wav`));
  const begin = file.indexOf("data") + 8;
  const count = (file.length - begin) >> 1;
  return Float32Array.from({ length: count }, (_, i) => file.readInt16LE(begin + 2 * i) / 32768);
}

/** All frames that there are now, each given to `use`; their number. */
export function frames(engine, session, use = () => {}) {
  for (let count = 0; ; count++) {
    const frame = engine.next(session);
    if (frame === undefined) return count;
    use(frame);
  }
}

/** Opens by pieces, as a worker does; the source's pieces are counted in `read`. */
export async function loaded(bytes, read = []) {
  const source = ofBytes(bytes);
  const counted = {
    size: source.size,
    read: (begin, end) => {
      read.push([begin, end]);
      return source.read(begin, end);
    },
  };
  return load(module, counted);
}

/** Expects an error of the engine's. */
export function fails(kind, message, call) {
  const check = (error) => {
    assert.equal(error.name, "EssenceError", error.stack);
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
    return true;
  };
  return typeof call === "function" ? assert.throws(call, check) : assert.rejects(call, check);
}
