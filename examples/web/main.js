// The demo: a face that says what is dropped, spoken or typed, all in this tab.
import "./libessence/element.js";
import { visemesOf } from "./visemes.js";

const at = (id) => document.getElementById(id);
const [face, status, progress, figures] = ["face", "status", "progress", "figures"].map(at);
const controls = document.querySelectorAll("button, #file, #text");
const say = (text) => (status.textContent = text);

let session;
let microphone;
let recorder;
let lateness = [];
let shown = 0;
let skipped = 0;

face.addEventListener("progress", ({ detail }) => (progress.value = detail.bytes / detail.of));
face.addEventListener("error", ({ detail }) => say(detail.message));
face.addEventListener("ready", ({ detail }) => {
  session = face.session;
  say(`${detail.name} is ready`);
  for (const control of controls) control.disabled = false;
  at("motions").replaceChildren(
    ...detail.motions
      .filter((name) => !["idle", "talking"].includes(name))
      .map((name) => {
        const button = Object.assign(document.createElement("button"), { textContent: name });
        button.addEventListener("click", () => face.perform(name));
        return button;
      }),
  );
  // For the page's tests.
  window.demo = { ready: true, session };
  face.avatar.loaded().then(() => (progress.hidden = true), ({ message }) => say(message));
});
face.addEventListener("frame", ({ detail }) => {
  shown++;
  skipped += detail.skipped;
  lateness.push(Math.abs(detail.late));
  if (lateness.length === 25) {
    lateness.sort((a, b) => a - b);
    const typical = lateness[12].toFixed(0);
    const sound = session?.audioContext.state === "running" ? "" : " · click for sound";
    figures.textContent = `${shown} frames, ${skipped} skipped, ${typical} ms from their sound${sound}`;
    lateness = [];
  }
});

at("avatar").addEventListener("change", ({ target }) => show(target.value));

function show(src) {
  for (const control of controls) control.disabled = true;
  session = undefined;
  progress.hidden = false;
  [shown, skipped, lateness] = [0, 0, []];
  say("Loading");
  face.src = src;
}

/** Everything of a sound file, one channel. */
async function decoded(file) {
  const context = session.audioContext;
  const sound = await context.decodeAudioData(await file.arrayBuffer());
  const mixed = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((x, i) => (mixed[i] += x / sound.numberOfChannels));
  }
  return { samples: mixed, rate: sound.sampleRate };
}

async function speak(file) {
  try {
    await session.interrupt();
    const { samples, rate } = await decoded(file);
    await session.pushAudio(samples, rate);
    await session.flush();
    say(`Saying ${file.name}`);
  } catch (error) {
    say(`${file.name}: ${error.message}`);
  }
}

at("file").addEventListener("change", ({ target }) => target.files[0] && speak(target.files[0]));
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
addEventListener("dragleave", () => document.body.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file?.name.endsWith(".imx")) show(URL.createObjectURL(file));
  else if (file !== undefined && session !== undefined) speak(file);
});

at("stop").addEventListener("click", async () => {
  speechSynthesis?.cancel();
  await session.interrupt();
  say("Stopped");
});

/** The microphone's sound comes back out of the face's mouth; use headphones. */
at("microphone").addEventListener("click", async ({ currentTarget: button }) => {
  if (microphone !== undefined) {
    microphone.getTracks().forEach((track) => track.stop());
    microphone = undefined;
    button.setAttribute("aria-pressed", "false");
    await session.flush();
    return;
  }
  try {
    microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true } });
  } catch (error) {
    say(`No microphone: ${error.message}`);
    return;
  }
  button.setAttribute("aria-pressed", "true");
  const context = session.audioContext;
  await context.audioWorklet.addModule("microphone.worklet.js");
  const source = context.createMediaStreamSource(microphone);
  const node = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }) => {
    if (microphone === undefined) source.disconnect();
    else void session.pushAudio(data, context.sampleRate);
  };
  source.connect(node);
});

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (text === "" || session === undefined) return;
  const move = () => {
    const visemes = { set: "oculus", visemes: visemesOf(text), withoutSound: true };
    void session.pushVisemes(visemes).then(() => session.flush());
  };
  const voice = "speechSynthesis" in window && speechSynthesis.getVoices().length > 0;
  if (!voice) {
    say("This browser has no voice: the lips move alone");
    move();
    return;
  }
  const spoken = new SpeechSynthesisUtterance(text);
  spoken.addEventListener("start", move);
  speechSynthesis.speak(spoken);
});

/** Records picture and sound. */
at("record").addEventListener("click", ({ currentTarget: button }) => {
  if (recorder !== undefined) {
    recorder.stop();
    return;
  }
  const pieces = [];
  try {
    recorder = new MediaRecorder(session.stream);
    recorder.start();
  } catch (error) {
    recorder = undefined;
    say(`It can't be recorded: ${error.message}`);
    return;
  }
  recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
  recorder.addEventListener("stop", () => {
    const type = recorder.mimeType;
    recorder = undefined;
    button.setAttribute("aria-pressed", "false");
    const link = at("recording");
    link.href = URL.createObjectURL(new Blob(pieces, { type }));
    link.download = type.includes("mp4") ? "avatar.mp4" : "avatar.webm";
    link.hidden = false;
  });
  button.setAttribute("aria-pressed", "true");
});

navigator.serviceWorker?.register("sw.js").catch(() => {});
show(new URLSearchParams(location.search).get("avatar") ?? "mika.imx");
