// The same frames as natively: every frame of a recording against those of the command line.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { avatar, engine, frames, loaded, root, speech, testdata } from "./common.mjs";

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

// The order of a picture's bytes in other languages, out of ours; planes and other sizes the module doesn't draw.
const orders = { rgba: [0, 1, 2, 3], bgra: [2, 1, 0, 3], bgr: [2, 1, 0] };

/** A picture's bytes in an order. */
function ordered(pixels, order) {
  const bytes = new Uint8Array((pixels.length / 4) * order.length);
  for (let i = 0, j = 0; i < pixels.length; i += 4) for (const c of order) bytes[j++] = pixels[i + c];
  return bytes;
}

const conformance = JSON.parse(Buffer.from(testdata("conformance.json")).toString());
for (const recorded of conformance.cases.filter(({ width, pixel_format: name }) => width === 0 && name in orders)) {
  test(`every language gets these frames: ${recorded.name}`, async () => {
    const e = await engine();
    const session = e.session(e.open(testdata(recorded.avatar)), "unpaced");
    const rate = Number(/_(\d+)\.wav/.exec(recorded.audio)[1]);
    const samples = speech(rate);
    const got = { frames: 0, index: [], flags: [], audio_samples: [], pictures: [] };
    const sound = createHash("sha256");
    const draw = (most) => {
      for (let drawn = 0; most === 0 || drawn < most; drawn++) {
        const frame = e.next(session);
        if (frame === undefined) return assert.equal(most, 0, `${drawn} frames of ${most}`);
        const { speech, endOfSpeech, underrun, late, muted, concealed } = frame;
        const flags = [speech, endOfSpeech, underrun, late, muted, concealed];
        got.frames++;
        got.index.push(frame.index);
        got.flags.push(flags.reduce((bits, set, i) => bits | (set << i), 0));
        got.audio_samples.push(frame.audio.length);
        got.pictures.push(hash(ordered(frame.pixels, orders[recorded.pixel_format])).slice(0, 16));
        sound.update(Int16Array.from(frame.audio, (x) => Math.max(-32768, Math.min(32767, Math.round(32768 * x)))));
      }
    };
    for (const step of recorded.steps) {
      if (step.push) e.push(session, samples.subarray(step.push[0], step.push[0] + step.push[1]), rate);
      else if (step.flush) e.flush(session);
      else if (step.interrupt) e.interrupt(session);
      else draw(step.draw);
    }
    const { pictures, ...facts } = recorded.results;
    for (const name of ["frames", "index", "flags", "audio_samples"]) assert.deepEqual(got[name], facts[name], name);
    assert.equal(sound.digest("hex"), facts.sound_sha256, "sound");
    const alike = got.pictures.filter((picture, i) => picture === pictures[i]).length;
    assert.ok(alike >= conformance.pictures_alike * pictures.length, `${alike} of ${pictures.length}`);
  });
}
