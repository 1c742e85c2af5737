// The same frames as natively: every frame of a recording against those of the command line.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { avatar, engine, frames, loaded, root, speech } from "./common.mjs";

const bithuman = process.env.BITHUMAN ?? join(root, "target/debug/bithuman");
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** The frames of the command line, RGB; none of those bytes is ours to keep. */
async function* native(name, size) {
  const files = [join(root, `testdata/avatars/${name}.imx`), "--audio", join(root, "testdata/audio/speech_16000.wav")];
  const child = spawn(bithuman, ["render", ...files, "--output", "-", "--provider", "builtin"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let held = Buffer.alloc(0);
  for await (const bytes of child.stdout) {
    held = Buffer.concat([held, bytes]);
    while (held.length >= size) {
      yield held.subarray(0, size);
      held = held.subarray(size);
    }
  }
  assert.equal(held.length, 0, "whole frames");
}

for (const [build, name] of [
  ["essence", "mika"],
  ["essence-relaxed", "mika"],
  ["essence-relaxed", "juno"],
]) {
  test(`frames of ${name} by ${build} are the command line's`, async () => {
    const e = await engine(build);
    const opened = e.open(avatar(name));
    const { width, height } = e.describe(opened);
    const session = e.session(opened, "unpaced");
    e.push(session, speech(), 16000);
    e.flush(session);
    const hashes = [];
    let same = 0;
    for await (const expected of native(name, 3 * width * height)) {
      const frame = e.next(session);
      assert.ok(frame, `frame ${hashes.length}`);
      const { pixels } = frame;
      let [bytes, worst] = [0, 0];
      for (let i = 0, j = 0; i < pixels.length; i += 4, j += 3) {
        // The command line writes blue first.
        for (let c = 0; c < 3; c++) {
          const off = Math.abs(pixels[i + c] - expected[j + 2 - c]);
          if (off > 0) bytes++;
          worst = Math.max(worst, off);
        }
      }
      assert.ok(bytes <= 10 && worst <= 2, `frame ${frame.index}: ${bytes} bytes by up to ${worst}`);
      if (bytes === 0) same++;
      hashes.push(hash(pixels));
    }
    assert.equal(e.next(session), undefined, "no frame more");
    // Convolutions in time round their products here, but not on processors of the last years.
    assert.ok(hashes.length > 250 && same >= 0.97 * hashes.length, `${same} of ${hashes.length}`);
    console.log(`${name} by ${build}: ${same} of ${hashes.length} frames are the same`);
    mkdirSync(join(root, "target/web"), { recursive: true });
    writeFileSync(join(root, `target/web/${name}.${build}.json`), JSON.stringify(hashes));
  });
}

test("pieces and any way of cutting the audio give the same frames", async () => {
  const bytes = avatar("toy");
  const samples = speech();
  const run = (e, opened, cut) => {
    const session = e.session(opened, "unpaced");
    const hashes = [];
    for (let at = 0; at < samples.length; at += cut) {
      e.push(session, samples.subarray(at, at + cut), 16000);
      frames(e, session, ({ pixels }) => hashes.push(hash(pixels)));
    }
    e.flush(session);
    frames(e, session, ({ pixels }) => hashes.push(hash(pixels)));
    e.close(session);
    return hashes;
  };
  const whole = await engine();
  const expected = run(whole, whole.open(bytes), samples.length);
  assert.equal(expected.length, Math.ceil((25 * samples.length) / 16000));
  const { engine: pieces, avatar: opened, rest } = await loaded(bytes);
  await rest();
  for (const cut of [160, 641, 5000]) assert.deepEqual(run(pieces, opened, cut), expected);
});
