// The page: joins the connection, pictures and sound, the microphone and what can be pressed.

import { Captions } from './captions.js';
import { Connection } from './connection.js';
import { customize } from './customize.js';
import { Embed } from './embed.js';
import { LocalPlayer, NO_PACKAGE, openAvatar } from './local.js';
import { Player, microphoneMessage, reasonAgainst, soundName, visibilityMessage } from './media.js';
import { Microphone } from './microphone.js';
import { Rtc } from './rtc.js';

const $ = id => document.getElementById(id);
const body = document.body;
const code = body.dataset.code;
const wanted = new URLSearchParams(location.search);
const name = document.title;

const PHRASES = { listening: 'Listening', thinking: 'Thinking', speaking: 'Speaking' };

const captions = new Captions($('log'), $('subtitle'));
const embed = new Embed({
  start: ({ microphone }) => start(microphone === true),
  text: ({ text }) => ask(String(text ?? '')),
  interrupt: () => underWay() && interrupt(),
  gesture: ({ name }) => underWay() && connection.send({ type: 'gesture', name: String(name ?? '') }),
  microphone: ({ on }) => underWay() && setMicrophone(on === true),
  end: () => connection?.leave(),
});

let connection = null;
let context = null;
let output = null;
let microphone = null;
let player = null;
/** The avatar, where this page draws it, and the promise of its player. */
let avatar = null;
let local = null;
let rtc = null;
let pings = new Map();
let rtt = 0;
/** Whether the push-to-talk key or button is held. */
let held = false;
/** A text that waits for the conversation to begin. */
let unsaid = '';
/** What a test or a curious person may look at. */
const figures = { transport: '', shown: 0, heard: 0, underruns: 0 };
window.bithuman = { figures, get state() { return body.dataset.state; }, get phase() { return body.dataset.phase; } };

customize(wanted, $('hint'), $('questions'), ask);
if (wanted.get('captions') === 'off') $('captions').checked = captions.enabled = false;
const drawsHere = wanted.get('render') === 'local';
const cantDraw = drawsHere && body.dataset.web !== 'yes' ? NO_PACKAGE : '';
const silent = wanted.get('microphone') === 'off' || wanted.get('chat_mode') === 'text';

const poster = $('poster');
const aspect = () => body.style.setProperty('--aspect', poster.naturalWidth / poster.naturalHeight || 1);
if (poster.complete) aspect(); else poster.onload = aspect;

function phase(next, text) {
  body.dataset.phase = next;
  if (text) $('status').textContent = text;
  const live = next === 'live';
  $('welcome').hidden = next !== 'poster' && next !== 'ended';
  $('bar').hidden = next === 'poster' || next === 'ended';
  for (const element of $('form').elements) element.disabled = !live;
}

function fail(sentence) {
  $('error').textContent = sentence ?? '';
  $('error').hidden = !sentence;
  if (sentence) embed.tell('error', { message: sentence });
}

async function start(withMicrophone) {
  if (connection) return;
  fail(cantDraw);
  if (cantDraw) return;
  $('start').disabled = true;
  phase('joining', 'Connecting');
  try {
    // A click brings us here: sound may play from now on.
    context = new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' });
    await context.audioWorklet.addModule('/assets/worklets.js');
    context.resume();
    output = context.createGain();
    output.gain.value = isPressed('sound') ? 1 : 0;
    output.connect(context.destination);
    listenToItself();
    const progress = share => { if (!connection) $('status').textContent = `Loading ${Math.round(100 * share)} %`; };
    if (drawsHere) avatar ??= await openAvatar(code, progress);
  } catch (error) {
    context?.close();
    context = null;
    phase('poster');
    $('start').disabled = false;
    return fail(`This browser can't play the conversation: ${error.message}`);
  }
  microphone = new Microphone(context);
  microphone.addEventListener('samples', ({ detail }) => {
    if (player) connection.sendMedia(microphoneMessage(detail, microphone.rate));
  });
  microphone.addEventListener('silent', () => {
    connection?.send({ type: 'end_of_turn' });
    showMicrophone();
  });
  if (withMicrophone) await setMicrophone(true); else showMicrophone();
  connection = new Connection(code);
  connection.addEventListener('message', ({ detail }) => receive(detail));
  connection.addEventListener('media', ({ detail }) => player?.receive(detail));
  connection.addEventListener('waiting', () => phase('joining', 'Reconnecting'));
  connection.addEventListener('closed', ({ detail }) => ended(detail));
  connection.open();
}

function receive(message) {
  switch (message.type) {
    case 'session': return join(message);
    case 'state': return setState(message.state);
    case 'caption':
      captions.show(message);
      return embed.tell('caption', { speaker: message.speaker, text: message.text, final: message.final, reply: message.reply });
    case 'interrupted':
      player?.clear();
      return captions.silence();
    case 'failure': return fail(message.message);
    case 'gesture':
      player?.perform?.(message.name);
      return embed.tell('gesture', { name: message.name });
    case 'pong':
      rtt = performance.now() - (pings.get(message.id) ?? performance.now());
      pings.delete(message.id);
  }
}

async function join(session) {
  captions.clear();
  for (const caption of session.captions) captions.show(caption, false);
  if (session.resumed && session.captions.length) captions.note('The conversation goes on.');
  body.style.setProperty('--aspect', session.width / session.height);
  if (drawsHere) {
    await joinLocal();
    return player && joined(session);
  }
  closeMedia();
  // On this machine both ways are as good, and Firefox knows only one of them.
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
  const against = await reasonAgainst();
  if (!connection) return;
  const transport = wanted.get('transport') ?? (local && !against ? 'websocket' : 'webrtc');
  if (transport === 'webrtc' && session.webrtc && 'RTCPeerConnection' in window) {
    try {
      await joinRtc();
      return joined(session);
    } catch {
      closeMedia();
    }
  }
  if (against) {
    connection.leave();
    return fail(`This browser can't play the conversation: ${against}, and WebRTC did not connect.`);
  }
  joinSocket();
  joined(session);
}

function joined(session) {
  phase('live');
  setState(session.state);
  $('start').disabled = false;
  // An error of the microphone stays to be read.
  embed.tell('ready', { name: session.name, gestures: session.gestures, resumed: session.resumed });
  if (unsaid) say(unsaid);
  unsaid = '';
}

function joinSocket() {
  const canvas = $('canvas');
  player = new Player(canvas, context, output, bytes => connection.sendMedia(bytes));
  player.onfirst = () => { canvas.hidden = false; };
  figures.transport = 'websocket';
  connection.send({ type: 'media', sound: soundName() });
  if (document.hidden) connection.sendMedia(visibilityMessage(false));
}

/** A player that is there goes on, and says first what was heard while the connection was lost. */
async function joinLocal() {
  const own = local ??= LocalPlayer.start(avatar, $('canvas'), context, output, bytes => connection?.sendMedia(bytes, true));
  const failed = error => { connection?.leave(); fail(`The avatar can't be drawn: ${error.message}`); };
  const made = await own.catch(failed);
  if (local !== own) return made?.close();
  player = made;
  player.onfailure = failed;
  player.tell();
  figures.transport = 'local';
  connection.send({ type: 'media', sound: 'pcm' });
}

async function joinRtc() {
  const video = $('video');
  const own = rtc = new Rtc();
  video.muted = !isPressed('sound');
  await own.start(code, connection.token, video, microphone.track);
  own.onlost = rejoin;
  video.hidden = false;
  figures.transport = 'webrtc';
  const count = () => { figures.shown++; if (rtc) video.requestVideoFrameCallback?.(count); };
  video.requestVideoFrameCallback?.(count);
  context.createMediaStreamSource(video.srcObject).connect(analyser);
}

/** WebRTC is lost, as after a change of networks: another offer finds the way, or the WebSocket carries all. */
async function rejoin() {
  closeMedia();
  const joining = joinRtc();
  const own = rtc;
  try {
    await joining;
  } catch {
    // The conversation may have ended, or begun anew, meanwhile.
    if (rtc !== own) return;
    closeMedia();
    joinSocket();
  }
}

function closeMedia() {
  player?.close();
  rtc?.close();
  player = local = rtc = null;
  $('canvas').hidden = $('video').hidden = true;
}

function ended(sentence) {
  closeMedia();
  microphone?.stop();
  context?.close();
  connection = context = microphone = null;
  held = false;
  captions.silence();
  phase('ended', 'Ended');
  $('hint').textContent = sentence || 'The conversation is over.';
  $('start').textContent = 'Start again';
  $('start').disabled = false;
  embed.tell('ended', { message: sentence });
}

function setState(state) {
  if (body.dataset.phase === 'live') $('status').textContent = PHRASES[state];
  if (state === 'speaking') captions.speak();
  if (state === 'listening') captions.silence();
  body.dataset.state = state;
  embed.tell('state', { state });
}

function say(text) {
  if (!text.trim() || !connection) return;
  fail('');
  connection.send({ type: 'text', text });
}

/** Says a text; begins the conversation where there is none. */
function ask(text) {
  if (body.dataset.phase === 'live') return say(text);
  unsaid = text;
  start(false);
}

/** Whether a conversation is under way; tells the page around this one where there is none. */
function underWay() {
  if (!connection) embed.tell('error', { message: 'No conversation is under way; send bithuman:start first.' });
  return connection !== null;
}

function interrupt() {
  player?.clear();
  connection?.send({ type: 'interrupt' });
}

async function setMicrophone(on) {
  if (!microphone) return;
  if (on && !microphone.track) {
    try {
      await microphone.start($('devices').value);
      rtc?.replace(microphone.track);
      await Microphone.list($('devices'));
    } catch (error) {
      fail(error.message);
    }
  }
  if (!microphone) return;
  microphone.open = $('push').checked ? held : on;
  showMicrophone();
}

function showMicrophone() {
  $('mic').setAttribute('aria-pressed', String(Boolean(microphone?.isOpen)));
  $('mic').hidden = $('push').checked;
  $('talk').hidden = !$('push').checked;
  $('talk').classList.toggle('held', held);
}

/** Push to talk. The key may be released while the browser still asks for the microphone. */
async function hold(down) {
  if (!$('push').checked || !microphone || held === down) return;
  held = down;
  if (held && !microphone.track) return setMicrophone(true);
  microphone.open = held;
  showMicrophone();
}

// Loudness of what is played: for the figures, and for tests that want to know whether sound is heard.
let analyser = null;
function listenToItself() {
  analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  output.connect(analyser);
}

const samples = new Float32Array(1024);
setInterval(async () => {
  if (!analyser) return;
  analyser.getFloatTimeDomainData(samples);
  figures.loudness = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
  if (figures.loudness > 0.003) figures.heard++;
  if (player) Object.assign(figures, player.figures);
  figures.level = microphone?.level ?? 0;
  $('level').style.setProperty('--level', Math.min(1, figures.level * 8).toFixed(2));
}, 100);

setInterval(async () => {
  if (!connection) return;
  const id = Math.round(performance.now());
  pings.set(id, performance.now());
  if (pings.size > 10) pings.clear();
  connection.send({ type: 'ping', id });
  const found = rtc ? await rtc.figures() : { rtt, rate: player?.figures.rate, ahead: player?.figures.ahead };
  figures.ahead = found.ahead;
  if ($('figures').hidden) return;
  const wait = player ? `\nbuffer   ${player.figures.waiting * 40} ms` : '';
  $('figures').textContent =
    `way      ${figures.transport}\nnetwork  ${Math.round(found.rtt ?? 0)} ms\npictures ${Math.round(found.rate ?? 0)}/s${wait}`;
}, 1000);

const isPressed = id => $(id).getAttribute('aria-pressed') === 'true';
$('start').onclick = () => start(!silent);
$('start-quiet').onclick = () => start(false);
$('end').onclick = () => connection?.leave();
$('interrupt').onclick = interrupt;
$('mic').onclick = () => setMicrophone(!isPressed('mic'));
$('sound').onclick = () => {
  const on = !isPressed('sound');
  $('sound').setAttribute('aria-pressed', String(on));
  $('video').muted = !on;
  output.gain.value = on ? 1 : 0;
};
$('screen').onclick = () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.());
$('more').onclick = () => {
  $('settings').hidden = !$('settings').hidden;
  $('more').setAttribute('aria-expanded', String(!$('settings').hidden));
};
$('push').onchange = () => setMicrophone(Boolean(microphone?.track));
$('captions').onchange = () => { captions.enabled = $('captions').checked; if (!captions.enabled) $('subtitle').hidden = true; };
$('show-figures').onchange = () => { $('figures').hidden = !$('show-figures').checked; };
$('devices').onchange = async () => { microphone?.stop(); await setMicrophone(true); };
navigator.mediaDevices?.addEventListener('devicechange', () => Microphone.list($('devices')));
$('form').onsubmit = event => {
  event.preventDefault();
  say($('text').value);
  $('text').value = '';
};
$('talk').onpointerdown = event => { $('talk').setPointerCapture(event.pointerId); hold(true); };
$('talk').onpointerup = $('talk').onpointercancel = () => hold(false);
$('talk').oncontextmenu = event => event.preventDefault();
// After a click the keys belong to the conversation again; who came by the keyboard keeps the focus.
for (const element of document.querySelectorAll('.bar button, .settings input, .settings select')) {
  element.addEventListener('click', event => { if (event.detail) element.blur(); });
}
document.addEventListener('keydown', event => {
  // Where the browser wanted a click before it played sound.
  context?.resume();
  if (event.key === 'Escape') return interrupt();
  const onTalk = event.target === $('talk') && event.key === ' ';
  if ((event.target.matches('input, select, button') && !onTalk) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === ' ' && $('push').checked) { event.preventDefault(); hold(true); }
  if (event.repeat || body.dataset.phase !== 'live') return;
  if (event.key === 'm' && !$('push').checked) $('mic').click();
  if (event.key === 'f') $('screen').click();
});
document.addEventListener('keyup', event => { if (event.key === ' ') hold(false); });
document.addEventListener('pointerdown', () => context?.resume());
window.addEventListener('blur', () => hold(false));
document.addEventListener('visibilitychange', () => { if (player) connection.sendMedia(visibilityMessage(!document.hidden)); });

fail(cantDraw);
// A reload in the midst of a conversation goes on with it, where the browser lets sound play.
if (sessionStorage.getItem(`session:${code}`)) $('start').textContent = 'Go on';
embed.tell('loaded', { name });
