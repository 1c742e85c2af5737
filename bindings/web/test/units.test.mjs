// Clock and resampler.
import assert from "node:assert/strict";
import { test } from "node:test";

import { PlayerClock } from "../dist/clock.js";
import { Resampler } from "../dist/resample.js";

test("the clock follows the sound card, and goes on without it", () => {
  const clock = new PlayerClock(48000, 0);
  assert.equal(clock.read(500), 0.5, "the system's until there is sound");
  assert.ok(!clock.plays);
  assert.equal(clock.set(480, 500), true, "it begins");
  assert.ok(clock.plays);
  assert.ok(Math.abs(clock.read(510) - 0.51) < 1e-9);
  // A card that is 1 % fast.
  for (let i = 1; i <= 1000; i++) assert.equal(clock.set(480 + 484.8 * i, 500 + 10 * i), false);
  assert.ok(Math.abs(clock.read(10500) - 10.6) < 1e-6, "its time counts");
  const stopped = clock.read(10690);
  assert.ok(clock.plays, "the worker was busy: what the card says waits");
  assert.equal(clock.set(480 + 484.8 * 1018, 10690), false);
  for (let now = 10700; now < 11690; now += 10) clock.read(now);
  assert.ok(Math.abs(clock.read(11690) - stopped - 1) < 0.02, "a card that is gone");
  const before = clock.read(12000);
  assert.ok(!clock.plays);
  // Another card, which begins at 0.
  assert.equal(clock.set(0, 12000), true);
  assert.ok(Math.abs(clock.read(12100) - before - 0.1) < 1e-6);
  assert.equal(clock.sample(clock.read(12100)), 4800);
  assert.ok(clock.read(11000) >= before, "never back");
});

test("a tone stays a tone at another rate", () => {
  for (const [from, to] of [
    [16000, 48000],
    [24000, 44100],
    [48000, 24000],
    [44100, 48000],
  ]) {
    const tone = Float32Array.from({ length: from }, (_, i) => Math.sin((2 * Math.PI * 440 * i) / from));
    for (const cut of [137, 4800, from]) {
      const resampler = new Resampler(from, to);
      const pieces = [];
      for (let at = 0; at < tone.length; at += cut) pieces.push(...resampler.push(tone.subarray(at, at + cut)));
      pieces.push(...resampler.end());
      assert.equal(pieces.length, to, `${from} to ${to} by ${cut}`);
      let worst = 0;
      for (let i = 2000; i < to - 2000; i++) {
        worst = Math.max(worst, Math.abs(pieces[i] - Math.sin((2 * Math.PI * 440 * i) / to)));
      }
      assert.ok(worst < 2e-4, `${from} to ${to}: ${worst}`);
    }
  }
});
