// What was said: a log to read, and the sentence under the picture while it is spoken.

export class Captions {
  #log;
  #subtitle;
  #lines = new Map();
  #pending = [];
  #reply = 0;
  #began = 0;
  #timer = 0;
  enabled = true;

  constructor(log, subtitle) {
    this.#log = log;
    this.#subtitle = subtitle;
  }

  /** Shows a caption, or replaces the one that it belongs to; an empty one takes it away. */
  show(caption, live = true) {
    const { speaker, reply, part, text } = caption;
    const key = `${reply} ${speaker} ${part}`;
    let line = this.#lines.get(key);
    const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 60;
    if (!text) {
      line?.remove();
      this.#lines.delete(key);
    } else {
      if (!line) {
        line = document.createElement('li');
        line.className = speaker;
        this.#lines.set(key, line);
        this.#log.append(line);
      }
      if (line.textContent !== text) line.textContent = text;
    }
    if (atEnd) this.#log.scrollTop = this.#log.scrollHeight;
    if (live && speaker === 'avatar') this.#schedule(caption);
  }

  note(text) {
    const line = document.createElement('li');
    line.className = 'note';
    line.textContent = text;
    this.#log.append(line);
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  clear() {
    this.#log.replaceChildren();
    this.#lines.clear();
    this.silence();
  }

  /** The avatar begins to speak. */
  speak() {
    this.#began = performance.now();
    this.#step();
  }

  /** The avatar is silent. */
  silence() {
    clearTimeout(this.#timer);
    this.#pending = [];
    this.#began = 0;
    this.#subtitle.hidden = true;
  }

  #schedule(caption) {
    if (caption.reply !== this.#reply) {
      this.#reply = caption.reply;
      this.#pending = [];
    }
    const known = this.#pending.findIndex(c => c.part === caption.part);
    if (known >= 0) this.#pending[known] = caption;
    else this.#pending.push(caption);
    if (this.#began) this.#step();
  }

  #step() {
    clearTimeout(this.#timer);
    const now = performance.now() - this.#began;
    const due = this.#pending.filter(c => c.start_ms <= now).at(-1);
    this.#subtitle.textContent = due?.text ?? '';
    this.#subtitle.hidden = !this.enabled || !due?.text;
    const next = this.#pending.find(c => c.start_ms > now);
    if (next) this.#timer = setTimeout(() => this.#step(), next.start_ms - now);
  }
}
