// The module and its wrapper: what is refused, and that nothing hostile ends it.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { avatar, BUILDS, engine, fails, frames, loaded, module, root, speech, testdata } from "./common.mjs";

/** A portrait that `bithuman create` made, where the tests were given one. */
const portrait = process.env.PORTRAIT;

for (const build of BUILDS) {
  test(`${build} speaks`, async () => {
    const e = await engine(build);
    const opened = e.open(avatar("toy"));
    assert.equal(e.describe(opened).width, 64);
    const session = e.session(opened, "unpaced", { width: 100, height: 90, background: 0x102030 });
    e.push(session, speech(48000), 48000);
    e.flush(session);
    let heard = 0;
    let last;
    frames(e, session, (frame) => {
      heard += frame.audio.length;
      last = { ...frame, corner: frame.pixels.slice(0, 4) };
      assert.ok(frame.curves.every((value) => value >= 0 && value <= 1));
    });
    assert.equal(heard, speech(48000).length, "each sample once");
    assert.ok(last.endOfSpeech && last.sampleRate === 48000);
    assert.deepEqual([...last.corner], [0x10, 0x20, 0x30, 255], "the bars are the background's");
  });
}

test("the session's controls", async () => {
  const e = await engine();
  const opened = e.open(avatar("mika"));
  const session = e.session(opened, "unpaced");
  e.perform(session, "nod");
  e.push(session, speech().subarray(0, 48000), 16000);
  e.flush(session);
  let started = -1;
  frames(e, session, (frame) => {
    if (frame.gestureStarted >= 0) started = frame.gestureStarted;
  });
  assert.equal(e.describe(opened).motions[started], "nod");
  e.push(session, speech(), 16000);
  e.interrupt(session);
  assert.ok(frames(e, session, (frame) => assert.equal(frame.interruptions, 1)) < 10, "dropped");
  e.mute(session, true);
  e.push(session, speech().subarray(0, 16000), 16000);
  e.flush(session);
  frames(e, session, (frame) => assert.ok(frame.audio.every((x) => x === 0)));
  e.mute(session, false);
  e.pushVisemes(session, {
    set: "oculus",
    visemes: [{ symbol: "PP", start: 0 }, { symbol: "aa", start: 0.1, end: 0.5 }],
    withoutSound: true,
  });
  e.flush(session);
  let jaw = 0;
  const place = e.describe(opened).arkit.indexOf("jawOpen");
  frames(e, session, (frame) => (jaw = Math.max(jaw, frame.curves[place])));
  assert.ok(jaw > 0.2, `an open mouth: ${jaw}`);
  const values = [0, 1, 0];
  e.pushCurves(session, { names: ["jawOpen"], times: [0, 0.2, 0.4], values, withoutSound: true });
  e.flush(session);
  let most = 0;
  frames(e, session, (frame) => (most = Math.max(most, frame.curves[place])));
  assert.ok(most > 0.9, `a driven mouth: ${most}`);
});

test("wrong calls are refused, each for its reason", async () => {
  const e = await engine();
  const opened = e.open(avatar("toy"));
  const session = e.session(opened, "unpaced");
  const tone = new Float32Array(640);
  fails("InvalidArgument", /no session/, () => e.flush(opened));
  fails("InvalidArgument", /no avatar/, () => e.describe(session));
  fails("InvalidArgument", /no loader/, () => e.nextRange(-1));
  fails("InvalidArgument", /rate/, () => e.push(session, tone, 7999));
  fails("InvalidArgument", /channel/, () => e.push(session, tone, 16000, 99));
  fails("InvalidArgument", /finite/, () => e.push(session, tone.fill(NaN), 16000));
  fails("NotFound", /motion/, () => e.perform(session, "fly"));
  fails("InvalidArgument", /emotion/, () => e.setEmotion(session, "hunger", 1));
  fails("NotFound", /emotion/, () => e.setEmotion(session, "joy", 1));
  fails("InvalidArgument", /position/, () => e.setPosition(session, -1));
  fails("InvalidArgument", /position/, () => e.setPosition(session, NaN));
  fails("InvalidArgument", /8192/, () => e.session(opened, "unpaced", { width: 9000, height: 9000 }));
  fails("InvalidArgument", /values/, () => e.pushCurves(session, { names: ["x"], times: [0], values: [] }));
  fails("InvalidArgument", /no name/, () => e.pushCurves(session, { names: ["a\nb"], times: [0], values: [1] }));
  fails("InvalidArgument", /viseme|set/, () => e.pushVisemes(session, { set: "none", visemes: [] }));
  e.close(session);
  fails("InvalidArgument", /no session/, () => e.next(session));
  e.close(opened);
  e.close(12345);
});

test("files that are damaged, cut or foreign", async () => {
  const e = await engine();
  for (const file of readdirSync(join(root, "testdata/bad"))) {
    // A container that opens may still be refused by its content.
    assert.throws(() => e.open(testdata(`bad/${file}`)), { name: "EssenceError" }, file);
    await assert.rejects(loaded(testdata(`bad/${file}`)), { name: "EssenceError" }, file);
  }
  const toy = avatar("toy");
  for (let cut = 0; cut < toy.length; cut += 997) {
    assert.throws(() => e.open(toy.subarray(0, cut)), { name: "EssenceError" }, `${cut} bytes`);
    await assert.rejects(loaded(toy.subarray(0, cut)), { name: "EssenceError" }, `${cut} bytes`);
  }
  let refused = 0;
  for (let at = 0; at < toy.length; at += 401) {
    const damaged = toy.slice();
    damaged[at] ^= 0x55;
    try {
      const { rest, engine: other, avatar: opened } = await loaded(damaged);
      await rest();
      other.describe(opened);
    } catch (error) {
      assert.equal(error.name, "EssenceError", error.stack);
      refused++;
    }
  }
  // All but padding is in some hash, or in the table.
  assert.ok(refused > (0.8 * toy.length) / 401, `${refused} refused`);
  assert.equal(e.describe(e.open(toy)).width, 64, "the engine works on");
});

test("exports take any number", async () => {
  const { exports } = await WebAssembly.instantiate(await module("essence"), {
    essence: { now_ms: () => performance.now() },
  });
  exports.web_start();
  const names = Object.keys(exports).filter((name) => name.startsWith("web_"));
  assert.ok(names.length > 30);
  const odd = [0, -1, 1, 2, 8, 1e9, 2 ** 31 - 1, 2 ** 32 - 1, NaN, -0.5, Infinity, 1e300];
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647);
  const calls = names.filter((name) => !["web_start", "web_alloc"].includes(name));
  // A real avatar and a session, so that numbers can hit something.
  const toy = avatar("toy");
  const open = () => {
    const at = exports.web_alloc(toy.length);
    new Uint8Array(exports.memory.buffer).set(toy, at);
    return exports.web_session(exports.web_open(at, toy.length), 0, 0, 0, 0, -1);
  };
  let session = open();
  for (let i = 0; i < 6000; i++) {
    const name = calls[random() % calls.length];
    const arguments_ = Array.from({ length: exports[name].length }, () => {
      const pick = random() % (odd.length + 3);
      return odd[pick] ?? [session, session - 1, exports.web_alloc(64)][pick - odd.length];
    });
    exports[name](...arguments_);
    if (exports.web_next(session) < 0) session = open();
  }
  assert.equal(exports.web_panic_length(), 0);
});

test("memory stays as it is over an hour of frames", async () => {
  const e = await engine();
  const opened = e.open(avatar("toy"));
  const session = e.session(opened, "unpaced");
  const minute = new Float32Array(16000).map((_, i) => 0.3 * Math.sin(i / 10));
  let after = 0;
  for (let second = 0; second < 3600; second++) {
    e.push(session, minute, 16000);
    if (second % 10 === 9) e.flush(session);
    frames(e, session);
    if (second === 60) after = e.memoryBytes;
  }
  assert.equal(e.memoryBytes, after);
});

test("avatars that come and go leave no memory behind", async () => {
  const e = await engine();
  let after = 0;
  for (let i = 0; i < 200; i++) {
    const opened = e.open(avatar("toy"));
    const session = e.session(opened, "unpaced");
    e.push(session, speech().subarray(0, 6400), 16000);
    frames(e, session);
    e.close(session);
    e.close(opened);
    if (i === 50) after = e.memoryBytes;
  }
  assert.equal(e.memoryBytes, after);
});

test("an avatar speaks before all of it has been read", async () => {
  const read = [];
  const { engine: e, avatar: opened, rest } = await loaded(avatar("mika"), read);
  const before = read.reduce((sum, [begin, end]) => sum + end - begin, 0);
  assert.ok(before < 0.45 * avatar("mika").length, `${before} bytes`);
  const session = e.session(opened, "unpaced");
  e.push(session, speech(), 16000);
  let concealed = 0;
  let count = frames(e, session, (frame) => (concealed += Number(frame.concealed)));
  assert.ok(count > 250 && concealed > 100, "neighbours stand in");
  await rest();
  e.flush(session);
  concealed = 0;
  count = frames(e, session, (frame) => (concealed += Number(frame.concealed)));
  assert.ok(count > 0 && concealed === 0, "all have arrived");
  const last = read.reduce((sum, [begin, end]) => sum + end - begin, 0);
  assert.ok(last < 0.9 * avatar("mika").length, "the network in floats is not read");
});

test("an archive is read whole", async () => {
  const { engine: e, avatar: opened } = await loaded(testdata("avatars/toy.zip.imx"));
  assert.equal(e.describe(opened).width, 64);
});

test("a portrait takes the build that has portraits", { skip: portrait === undefined }, async () => {
  const bytes = new Uint8Array(readFileSync(portrait));
  const base = await engine("essence");
  fails("UnsupportedFormat", /portrait/, () => base.open(bytes));
  const { engine: e, avatar: opened } = await loaded(bytes);
  const info = e.describe(opened);
  assert.equal(info.family, "expression");
  const session = e.session(opened, "unpaced");
  e.setEmotion(session, "joy", 1);
  e.push(session, speech().subarray(0, 32000), 16000);
  const sums = new Set();
  const count = frames(e, session, ({ pixels }) => {
    let sum = 0;
    for (let i = 0; i < pixels.length; i += 97) sum = (31 * sum + pixels[i]) | 0;
    sums.add(sum);
  });
  assert.ok(count > 40 && sums.size > 20, "it moves");
});
