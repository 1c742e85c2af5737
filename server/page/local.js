// The avatar drawn in this tab: speech comes over the WebSocket, the web package draws and plays it.
// Messages as in essence-live's `ws`: the header of 8 bytes, then samples.

const HEADER = 8;
const [SPEECH, UTTERANCE_ENDS, DROPPED, PAUSED, HEARD] = [4, 5, 6, 7, 20];

const OTHERWISE = 'Without ?render=local in its address, this page lets the server draw.';
export const NO_PACKAGE =
  `This server does not let pages draw: start it by "bithuman run --web FOLDER", as docs/run.md describes. ${OTHERWISE}`;

/**
 * Opens the avatar of this page by the server's web package. `onProgress` is told a share from 0 to 1.
 * Throws an Error with a sentence for the user.
 */
export async function openAvatar(code, onProgress) {
  try {
    const { open } = await import('/assets/web/index.js');
    // The code is another one in each run, so that what is kept would never be found again.
    return await open(`/${code}/avatar.imx`, { cache: false, onProgress: ({ bytes, of }) => onProgress(bytes / of) });
  } catch (error) {
    throw new Error(`${error.message}. ${OTHERWISE}`);
  }
}

/** Speaks and draws; takes the place of media.js' `Player`. */
export class LocalPlayer {
  #session;
  #send;
  #drops = 0;
  /** Interruptions of the session: frames of before one count no more. */
  #interruptions = 0;
  #heard = 0;
  figures = { shown: 0, waiting: 0, underruns: 0, open: 0, speech: 0, gestures: 0 };
  onfailure = null;

  /** `canvas` is replaced by one of its own; `send` takes binary messages to the server. */
  static async start(avatar, canvas, context, destination, send) {
    // It can be given away once only.
    const own = canvas.cloneNode();
    canvas.replaceWith(own);
    const session = await avatar.session({ canvas: own, audioContext: context, destination, curves: true });
    session.addEventListener('frame', () => { own.hidden = false; }, { once: true });
    return new LocalPlayer(session, send, avatar.info.arkit.indexOf('jawOpen'));
  }

  constructor(session, send, jaw) {
    this.#session = session;
    this.#send = send;
    const times = [];
    session.addEventListener('frame', ({ detail: frame }) => {
      const now = performance.now();
      times.push(now);
      while (now - times[0] > 2000) times.shift();
      const { figures } = this;
      figures.shown++;
      figures.rate = times.length / 2;
      figures.ahead = -frame.late;
      figures.underruns += Number(frame.underrun);
      figures.speech += Number(frame.speech);
      figures.open = frame.curves[jaw] ?? 0;
      if (frame.sound === 0 || frame.interruptions !== this.#interruptions) return;
      this.#heard += frame.sound;
      this.tell();
    });
    session.addEventListener('gesture', ({ detail }) => { this.figures.gestures += Number(detail.phase === 'start'); });
    session.addEventListener('error', ({ detail }) => this.onfailure?.(detail));
  }

  receive(buffer) {
    const view = new DataView(buffer);
    switch (view.getUint8(0)) {
      case SPEECH: return this.#call(this.#session.pushAudio(new Int16Array(buffer, HEADER), view.getUint32(4, true)));
      case UTTERANCE_ENDS: return this.#call(this.#session.flush());
      case DROPPED:
        this.#drops = view.getUint16(2, true);
        this.#interruptions++;
        this.#heard = 0;
        return this.#call(this.#session.interrupt());
      case PAUSED: return this.#call(this.#session.setPaused(view.getUint8(1) === 1));
    }
  }

  /** Tells the server how much was heard. */
  tell() {
    const message = new DataView(new ArrayBuffer(HEADER));
    message.setUint8(0, HEARD);
    message.setUint16(2, this.#drops, true);
    message.setUint32(4, Math.round(1000 * this.#heard), true);
    this.#send(message.buffer);
  }

  perform(gesture) { this.#call(this.#session.perform(gesture)); }

  /** Nothing: the server says what is dropped, so that both know what was heard. */
  clear() {}

  close() { this.#session.close(); }

  /** What was asked for while the session ends needs no answer. */
  #call(promise) { promise.catch(error => error.kind !== 'InvalidState' && this.onfailure?.(error)); }
}
