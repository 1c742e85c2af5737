// The page inside a frame of another page: commands come and events go by postMessage. docs/run.md describes both.

export class Embed {
  #parent = window.parent === window ? null : window.parent;
  // The server allows only known pages to frame this one; where the browser tells which, nobody else gets a word.
  #origin = location.ancestorOrigins?.[0] ?? '*';

  /** `commands`: functions by the names that follow `bithuman:`. */
  constructor(commands) {
    if (!location.pathname.startsWith('/embed/')) this.#parent = null;
    if (!this.#parent) return;
    document.documentElement.dataset.embed = '';
    window.addEventListener('message', ({ source, data }) => {
      if (source !== this.#parent || typeof data?.type !== 'string' || !data.type.startsWith('bithuman:')) return;
      const name = data.type.slice('bithuman:'.length);
      if (Object.hasOwn(commands, name)) commands[name](data);
      else this.tell('error', { message: `There is no command bithuman:${name}.` });
    });
  }

  tell(name, detail = {}) { this.#parent?.postMessage({ ...detail, type: `bithuman:${name}` }, this.#origin); }
}
