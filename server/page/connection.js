// The WebSocket: control messages as JSON, media as binary; comes back by itself.

const RETRY_MS = [250, 500, 1000, 2000, 4000, 8000];

/**
 * Events: `open`, `message` (detail: the object), `media` (detail: an ArrayBuffer), `waiting`, `closed` (detail: a
 * sentence; no retry follows).
 */
export class Connection extends EventTarget {
  #code;
  #socket = null;
  #token;
  #tries = 0;
  #timer = 0;
  #over = false;

  constructor(code) {
    super();
    this.#code = code;
    // A reload goes on with the conversation; another tab has its own.
    this.#token = sessionStorage.getItem(`session:${code}`);
  }

  get token() { return this.#token; }

  open() {
    const url = new URL(`/${this.#code}/ws`, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    // The page's own right to be here, the name that others speak to its conversation by, and who draws.
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (['token', 'room', 'render'].includes(name)) url.searchParams.set(name, value);
    }
    if (this.#token) url.searchParams.set('session', this.#token);
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => { this.#tries = 0; this.#emit('open'); };
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') return this.#emit('media', data);
      const message = JSON.parse(data);
      if (message.type === 'session') this.#keep(message.token);
      if (message.type === 'refused' || message.type === 'ended') return this.#end(message.message);
      this.#emit('message', message);
    };
    socket.onclose = () => {
      if (this.#over || socket !== this.#socket) return;
      if (this.#tries >= RETRY_MS.length) return this.#end('The connection is lost. Is the server still running?');
      this.#emit('waiting');
      this.#timer = setTimeout(() => this.open(), RETRY_MS[this.#tries++]);
    };
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Binary; dropped where the network can't keep up, since old sound is of no use, unless it is `needed`. */
  sendMedia(bytes, needed = false) {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN && (needed || socket.bufferedAmount < 256 * 1024)) socket.send(bytes);
  }

  /** Ends the conversation for good. */
  leave() {
    this.send({ type: 'leave' });
    this.#end('');
  }

  #keep(token) {
    this.#token = token;
    sessionStorage.setItem(`session:${this.#code}`, token);
  }

  #end(sentence) {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    sessionStorage.removeItem(`session:${this.#code}`);
    this.#socket?.close();
    this.#emit('closed', sentence);
  }

  #emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
