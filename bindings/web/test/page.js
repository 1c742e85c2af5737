// The tests in browsers: each gives its findings, or fails.
const query = new URLSearchParams(location.search);
const dist = query.get("dist") ?? "/bindings/web/dist";
const avatars = "/testdata/avatars";
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const within = (ms, promise, what) =>
  Promise.race([promise, wait(ms).then(() => Promise.reject(new Error(`${what}: not within ${ms} ms`)))]);
const { open } = await import(`${dist}/index.js`);
const { Engine } = await import(`${dist}/engine.js`);
const { fastest, modulesAt } = await import(`${dist}/load.js`);
const base = new URL(`${dist}/`, location.href).href;

function check(right, what) {
  if (!right) throw new Error(what);
}

async function bytes(path) {
  const response = await fetch(path);
  check(response.ok, `${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** See `tests.prepare`. */
let prepared;

/** How long each frame of an utterance takes, in milliseconds. */
function times({ engine, avatar, samples }) {
  const session = engine.session(avatar, "unpaced");
  engine.push(session, samples, 16000);
  engine.flush(session);
  const found = [];
  for (;;) {
    const begin = performance.now();
    if (engine.next(session) === undefined) break;
    found.push(performance.now() - begin);
  }
  engine.close(session);
  return found;
}

/** The samples of a WAV of 16 bits. */
async function speech(rate) {
  const file = await bytes(`/testdata/audio/speech_${rate}.wav`);
  const view = new DataView(file.buffer);
  const count = (file.length - 44) >> 1;
  return Float32Array.from({ length: count }, (_, i) => view.getInt16(44 + 2 * i, true) / 32768);
}

const percentile = (values, share) =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];

/** The first event of a kind. */
const once = (target, type) =>
  new Promise((done) => target.addEventListener(type, (event) => done(event.detail), { once: true }));

/** Opens an avatar and lets it speak, until its last frame. */
async function speaks(source, options = {}, sessionOptions = {}) {
  const avatar = await open(source, { base, ...options });
  const canvas = document.createElement("canvas");
  const session = await avatar.session({ canvas, ...sessionOptions });
  const end = once(session, "end-of-speech");
  await session.pushAudio((await speech(24000)).subarray(0, 24000), 24000);
  await session.flush();
  await within(20000, end, "the end of speech");
  return { avatar, session };
}

/** The error that a promise fails with. */
const error = (promise) =>
  promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (reason) => reason,
  );

window.tests = {
  /** Every frame of a recording is Node's. */
  async golden(name, count = Infinity) {
    const build = fastest();
    const expected = JSON.parse(new TextDecoder().decode(await bytes(`/target/web/${name}.${build}.json`)));
    const engine = await Engine.create(await modulesAt(base, new AbortController().signal)(build));
    const avatar = engine.open(await bytes(`${avatars}/${name}.imx`));
    const session = engine.session(avatar, "unpaced");
    engine.push(session, await speech(16000), 16000);
    engine.flush(session);
    const times = [];
    let frames = 0;
    for (; frames < Math.min(count, expected.length); frames++) {
      const begin = performance.now();
      const { pixels } = engine.next(session);
      times.push(performance.now() - begin);
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", pixels.slice()));
      const hex = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      check(hex === expected[frames], `frame ${frames} of ${name} by ${build} differs`);
    }
    return { build, frames, median: percentile(times, 0.5), least: percentile(times, 0) };
  },

  /** An avatar in the page's own thread that has spoken once: its base frames are decoded, the module is compiled. */
  async prepare(build) {
    const engine = await Engine.create(await modulesAt(base, new AbortController().signal)(build));
    const avatar = engine.open(await bytes(`${avatars}/mika.imx`));
    prepared = { build, engine, avatar, samples: await speech(16000) };
    times(prepared);
  },

  /** Milliseconds of a frame of speech. */
  async bench() {
    const all = [0, 1, 2].flatMap(() => times(prepared));
    const at = (share) => percentile(all, share);
    const { build } = prepared;
    return { build, frames: all.length, least: at(0), tenth: at(0.1), median: at(0.5), p90: at(0.9) };
  },

  /** Speech in real time: nothing is skipped, pictures come with their sound. */
  async realtime(seconds) {
    const avatar = await open(`${avatars}/mika.imx`, { base });
    await avatar.loaded();
    const session = await avatar.session({ canvas: document.querySelector("canvas"), curves: true });
    const samples = await speech(48000);
    const late = [];
    let [frames, skipped, underruns, speaking, open_ = 0] = [0, 0, 0, 0];
    const place = avatar.info.arkit.indexOf("jawOpen");
    session.addEventListener("frame", ({ detail }) => {
      frames++;
      skipped += detail.skipped;
      underruns += Number(detail.underrun);
      speaking += Number(detail.speech);
      open_ = Math.max(open_, detail.curves[place]);
      if (frames > 25) late.push(Math.abs(detail.late));
    });
    let pushed = 0;
    let memory = 0;
    /** The page's own heap, minute by minute, where the browser tells. */
    const heap = [];
    const begin = performance.now();
    // As a voice service would: 40 ms pieces, ahead by half a second.
    while (pushed < seconds * 48000) {
      while (pushed < ((performance.now() - begin) / 1000 + 0.5) * 48000) {
        const at = pushed % (samples.length - 1920);
        await session.pushAudio(samples.subarray(at, at + 1920), 48000);
        pushed += 1920;
      }
      // By then all base frames that are kept decoded have been shown.
      if (memory === 0 && pushed > 60 * 48000) memory = (await session.statistics()).memoryBytes;
      if (performance.memory && pushed > (60 * heap.length + 3) * 48000) heap.push(performance.memory.usedJSHeapSize);
      await wait(20);
    }
    const end = once(session, "end-of-speech");
    await session.flush();
    // A starved sound card makes time go by more slowly.
    await within(60000, end, "the end of speech");
    const statistics = await session.statistics();
    check(memory === 0 || statistics.memoryBytes === memory, `memory grew from ${memory} to ${statistics.memoryBytes}`);
    check(open_ > 0.3, "the mouth moves");
    const clock = session.audioContext.state;
    avatar.close();
    const [late50, late99] = [0.5, 0.99].map((share) => percentile(late, share));
    return { clock, frames, speaking, skipped, underruns, late50, late99, memory: statistics.memoryBytes, heap };
  },

  /** Milliseconds until there is a picture and until it can speak, on a line of so many bytes a second. */
  async throttled(rate) {
    const begin = performance.now();
    let picture;
    const options = { cache: false, onPicture: () => (picture ??= performance.now() - begin), base };
    const avatar = await open(`${avatars}/mika.imx?rate=${rate}`, options);
    const ready = performance.now() - begin;
    const session = await avatar.session({ canvas: document.createElement("canvas") });
    const spoken = new Promise((done) =>
      session.addEventListener("frame", ({ detail }) => detail.speech && done(performance.now() - begin)),
    );
    // The first second of it, as a voice service would send.
    await session.pushAudio((await speech(24000)).subarray(0, 24000), 24000);
    const speaking = await within(10000, spoken, "a frame of speech");
    await avatar.loaded();
    const all = performance.now() - begin;
    avatar.close();
    return { picture, ready, speaking, all };
  },

  /** Bytes, URLs, servers without ranges, archives. */
  async sources() {
    const file = await bytes(`${avatars}/toy.imx`);
    for (const source of [
      `${avatars}/toy.imx`,
      `${avatars}/toy.imx?whole`,
      `${avatars}/toy.zip.imx`,
      new URL(`${avatars}/toy_8bit.imx`, location.href),
      file,
      file.buffer,
      new Blob([file]),
    ]) {
      const { avatar } = await speaks(source);
      await avatar.loaded();
      avatar.close();
    }
    return "ok";
  },

  /** A file that can't be opened says why. */
  async refusals() {
    const cases = [
      [`${avatars}/toy.imx?cut=9000`, "InvalidAvatar", /cut short/],
      [`${avatars}/mika.imx?cut=9000000`, "InvalidAvatar", /cut short/],
      ["/bindings/web/package.json", "InvalidAvatar", /JSON/],
      ["/testdata/bad/hash_differs.imx", "InvalidAvatar", /differs/],
      [`${avatars}/nobody.imx`, "NotFound", /404/],
      ["http://127.0.0.1:9/x.imx", "Io", /reached/],
    ];
    for (const [source, kind, message] of cases) {
      const reason = await within(30000, error(open(source, { base, cache: false })), source);
      check(reason.kind === kind && message.test(reason.message), `${source}: ${reason.kind} ${reason}`);
    }
    const ends = new AbortController();
    const opening = error(open(`${avatars}/mika.imx?rate=500000`, { base, signal: ends.signal, cache: false }));
    await wait(100);
    ends.abort();
    check((await within(30000, opening, "aborting")).name === "AbortError", "aborted");
    const avatar = await open(`${avatars}/toy.imx`, { base });
    const session = await avatar.session();
    check((await error(session.perform("fly"))).kind === "NotFound", "no such motion");
    check((await error(session.pushAudio(new Float32Array(9), 1))).kind === "InvalidArgument", "rate");
    session.close();
    check((await error(session.flush())).kind === "InvalidState", "closed");
    avatar.close();
    check((await error(avatar.session())).kind === "InvalidState", "closed");
    const over = new AbortController();
    const other = await open(`${avatars}/toy.imx`, { base, signal: over.signal });
    const { audioContext } = await other.session();
    const closed = new Promise((done) => {
      audioContext.onstatechange = () => audioContext.state === "closed" && done();
    });
    over.abort();
    await within(10000, closed, "the end of an aborted avatar's sound");
    return "ok";
  },

  /** A stream has moving pictures and sound. */
  async stream() {
    const avatar = await open(`${avatars}/mika.imx`, { base });
    const session = await avatar.session({ mediaStream: true, audible: false });
    const kinds = session.stream.getTracks().map((track) => track.kind);
    const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true });
    video.srcObject = session.stream;
    let seen = 0;
    const count = () => {
      seen++;
      video.requestVideoFrameCallback(count);
    };
    video.requestVideoFrameCallback(count);
    const end = once(session, "end-of-speech");
    await session.pushAudio(await speech(24000), 24000);
    await session.flush();
    await within(30000, end, "the end of speech");
    avatar.close();
    return { kinds, seen, size: [video.videoWidth, video.videoHeight] };
  },

  /** What was said while nothing played, as before a click, is not said later; what comes then is. */
  async unheard() {
    const audioContext = new AudioContext();
    const analyser = audioContext.createAnalyser();
    analyser.connect(audioContext.destination);
    const heard = () => {
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      return Math.max(...samples.map(Math.abs));
    };
    const avatar = await open(`${avatars}/mika.imx`, { base });
    const session = await avatar.session({ audioContext, destination: analyser });
    await within(5000, audioContext.suspend(), "a halt");
    const [first, second] = [await speech(24000), await speech(24000)].map((all) => all.subarray(0, 48000));
    const speak = async (samples) => {
      const end = once(session, "end-of-speech");
      await session.pushAudio(samples, 24000);
      await session.flush();
      await within(20000, end, "the end of speech");
    };
    await speak(first);
    let loudest = 0;
    let frames = 0;
    session.addEventListener("frame", () => {
      loudest = Math.max(loudest, heard());
      frames++;
    });
    await within(5000, audioContext.resume(), "going on");
    while (frames < 60) await within(20000, once(session, "frame"), "a frame");
    check(loudest < 1e-4, `what was over was heard: ${loudest}`);
    await speak(second);
    check(loudest > 0.01, `what came then was not heard: ${loudest}`);
    avatar.close();
    await audioContext.close();
    return { loudest };
  },

  /** Interrupted, it falls silent; a card that is gone and comes back is followed. */
  async interruption() {
    const avatar = await open(`${avatars}/mika.imx`, { base });
    const session = await avatar.session({ canvas: document.createElement("canvas") });
    await session.pushAudio(await speech(24000), 24000);
    await session.flush();
    const frame = (what) => within(20000, once(session, "frame"), what);
    while (!(await frame("a frame before it speaks")).speech);
    await within(20000, session.interrupt(), "an interruption");
    let frames = 0;
    while ((await frame("a frame after an interruption")).speech) check(++frames < 15, "it speaks on");
    // The mouth is still; the face lives on, by whatever clock there is.
    const lives = async (frames, what) => {
      for (let i = 0; i < frames; i++) await frame(what);
    };
    // Firefox keeps these promises only where there is a card.
    session.audioContext.suspend().catch(() => {});
    await lives(40, "a frame without a sound card");
    session.audioContext.resume().catch(() => {});
    await lives(40, "a frame after it came back");
    await session.perform("nod");
    const gesture = await within(10000, once(session, "gesture"), "a nod");
    check(gesture.motion === "nod" && gesture.phase === "start", JSON.stringify(gesture));
    const { restarts } = await session.statistics();
    avatar.close();
    return { restarts };
  },

  /** The sound card goes away in the midst of speech and comes back, as `window.step` asks the machine for it. */
  async device() {
    const avatar = await open(`${avatars}/mika.imx`, { base });
    const session = await avatar.session({ canvas: document.createElement("canvas") });
    const samples = await speech(24000);
    await session.pushAudio(samples, 24000);
    await session.flush();
    const frame = (what) => within(20000, once(session, "frame"), what);
    while (!(await frame("a frame before it speaks")).speech);
    for (const step of ["kill", "back"]) {
      window.step = step;
      while (window.step === step) await frame(`a frame at ${step}`);
      for (let i = 0; i < 40; i++) await frame(`a frame after ${step}`);
    }
    await session.interrupt();
    const end = once(session, "end-of-speech");
    await session.pushAudio(samples.subarray(0, 24000), 24000);
    await session.flush();
    await within(20000, end, "the end of speech");
    const { restarts, skipped } = await session.statistics();
    avatar.close();
    return { restarts, skipped, clock: session.audioContext.state };
  },

  /** A portrait, by the build that has them. */
  async portrait() {
    const { avatar, session } = await speaks("/target/web/portrait.imx");
    check(avatar.info.family === "expression", avatar.info.family);
    await session.setEmotion("joy", 1);
    await within(20000, once(session, "frame"), "a frame with an emotion");
    avatar.close();
    return "ok";
  },

  /** Speaks on while nobody sees the page; `window.speaks` counts its frames. */
  async unseen() {
    const avatar = await open(`${avatars}/mika.imx`, { base });
    const session = await avatar.session({ canvas: document.querySelector("canvas") });
    window.speaks = { begun: false, unseen: 0, seen: 0 };
    session.addEventListener("frame", ({ detail }) => {
      window.speaks.begun ||= detail.speech;
      if (document.hidden) window.speaks.unseen++;
      else window.speaks.seen++;
    });
    const end = once(session, "end-of-speech");
    await session.pushAudio(await speech(24000), 24000);
    await session.flush();
    await within(60000, end, "the end of speech");
    avatar.close();
    return window.speaks;
  },

  /** The element, as pages use it. */
  async element() {
    const { BithumanAvatar } = await import(`${dist}/element.js`);
    const face = document.createElement("bithuman-avatar");
    face.base = base;
    face.src = `${avatars}/juno.imx`;
    const picture = once(face, "picture");
    const ready = once(face, "ready");
    document.body.append(face);
    check(face instanceof BithumanAvatar, "defined");
    check((await within(20000, picture, "a picture")).width === 512, "its picture");
    check((await within(20000, ready, "ready")).name === "Juno", "its name");
    const end = once(face, "end-of-speech");
    await face.pushAudio((await speech(16000)).subarray(0, 16000), 16000);
    await face.flush();
    await within(20000, end, "the end of speech");
    face.muted = true;
    const other = once(face, "ready");
    face.src = `${avatars}/toy.imx`;
    check((await within(20000, other, "another avatar")).width === 64, "another avatar");
    const failed = once(face, "error");
    face.src = "/testdata/bad/empty.imx";
    check((await failed).kind === "InvalidAvatar", "an error");
    face.remove();
    return "ok";
  },

  /** In a frame of its own, under the same policy. */
  async frame() {
    const frame = document.createElement("iframe");
    frame.src = location.href;
    document.body.append(frame);
    while (frame.contentWindow.tests === undefined) await wait(20);
    return frame.contentWindow.tests.speech();
  },

  /** One sentence by URL. */
  async speech() {
    const { avatar } = await speaks(`${avatars}/mika.imx`);
    avatar.close();
    return "ok";
  },

  /** A policy that forbids WebAssembly is named. */
  async forbidden() {
    const reason = await error(open(`${avatars}/toy.imx`, { base }));
    check(/Content-Security-Policy/.test(reason.message), String(reason));
    return "ok";
  },

  /** Opens again without a network what was open before; the module comes from the HTTP cache or not at all. */
  async cached() {
    const asked = async () => JSON.parse(new TextDecoder().decode(await bytes("/asked")));
    const path = `${avatars}/juno.imx`;
    const first = await open(path, { base });
    await first.loaded();
    first.close();
    const before = (await asked())[path];
    const second = await open(path, { base });
    await second.loaded();
    second.close();
    const after = (await asked())[path];
    return { before, after };
  },
};
