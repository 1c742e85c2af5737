// A button in the corner of any page that opens the conversation: one script tag, no dependency. docs/run.md lists
// its options. It runs in a foreign page, so it keeps to itself: a shadow root, and one global name a generation.

(() => {
  const script = document.currentScript;
  const home = script ? new URL(script.src, location.href).origin : location.origin;

  const CSS = `
    :host { all: initial; position: fixed; z-index: 2147483000; bottom: 20px; right: 20px; font: 16px/1.4 system-ui, sans-serif; }
    :host([data-position="left"]) { right: auto; left: 20px; }
    [hidden] { display: none !important; }
    button { all: unset; box-sizing: border-box; display: block; cursor: pointer; margin-left: auto; }
    :host([data-position="left"]) button { margin-left: 0; }
    .face { width: 68px; height: 68px; border-radius: 50%; border: 3px solid var(--color); background: #fff center / cover;
      box-shadow: 0 6px 24px rgb(10 12 30 / 28%); transition: transform .15s; }
    .face:hover { transform: scale(1.05); }
    .open .face { width: 44px; height: 44px; border: 0; background: var(--color) !important; color: #fff; font-size: 26px; line-height: 44px; text-align: center; }
    .open .face::before { content: "\\00d7"; }
    .face:focus-visible { outline: 3px solid var(--color); outline-offset: 3px; }
    iframe { display: block; border: 0; border-radius: 22px; margin-bottom: 12px; background: var(--ground);
      width: min(var(--width), calc(100vw - 40px)); height: min(var(--height), calc(100dvh - 110px));
      box-shadow: 0 12px 48px rgb(10 12 30 / 32%); }
    @media (max-width: 480px) {
      .open { position: fixed; inset: 0; }
      .open iframe { width: 100vw; height: 100dvh; margin: 0; border-radius: 0; }
      .open .face { position: absolute; top: 12px; right: 12px; }
    }`;

  const pixels = (value, otherwise) => (Number(value) > 0 ? `${Math.min(Number(value), 2000)}px` : otherwise);

  /** Code and server out of an option: a code, or a page's whole address. */
  function place({ code, agentUrl }) {
    if (!agentUrl) return code ? { code, server: home } : null;
    try {
      const url = new URL(agentUrl, home);
      const last = url.pathname.split('/').filter(Boolean).at(-1);
      return last ? { code: last, server: url.origin } : null;
    } catch {
      return null;
    }
  }

  class Widget {
    #host = document.createElement('div');
    #box = document.createElement('div');
    #button = document.createElement('button');
    #frame = document.createElement('iframe');
    #listener = event => this.#receive(event);
    #address;
    #options;
    #label;

    constructor(options) {
      const found = place(options);
      if (!found) throw new Error('bitHuman: name the avatar by data-code, as `bithuman run` prints it');
      this.#options = options;
      this.#address = new URL(`/embed/${encodeURIComponent(found.code)}`, found.server);
      this.#query();
      this.#label = options.label || 'Talk to the avatar';
      this.#host.dataset.position = options.position === 'left' ? 'left' : 'right';
      this.#box.style.setProperty('--color', options.color || '#4653e6');
      this.#box.style.setProperty('--width', pixels(options.width, '400px'));
      this.#box.style.setProperty('--height', pixels(options.height, '640px'));
      this.#button.className = 'face';
      this.#button.style.backgroundImage = `url("${found.server}/${encodeURIComponent(found.code)}/poster.png")`;
      this.#button.onclick = () => this.toggle();
      this.#frame.title = this.#label;
      this.#frame.allow = `microphone ${found.server}; autoplay ${found.server}; fullscreen ${found.server}`;
      this.#show(false);
      const root = this.#host.attachShadow({ mode: 'open' });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      root.adoptedStyleSheets = [sheet];
      this.#box.append(this.#frame, this.#button);
      root.append(this.#box);
      document.body.append(this.#host);
      window.addEventListener('message', this.#listener);
      if (options.open === true || options.open === 'true') this.open();
    }

    get isOpen() { return !this.#frame.hidden; }

    /** Shows the page, which is fetched when it is first wanted. */
    open() {
      if (!this.#frame.src) this.#frame.src = this.#address;
      this.#show(true);
    }

    /** Ends the conversation, so that no microphone stays open unseen. */
    close() {
      this.#show(false);
      this.send('end');
      this.#button.focus();
    }

    toggle() { if (this.isOpen) this.close(); else this.open(); }

    setTheme(theme) {
      this.#options.theme = theme;
      this.#query();
      if (this.#frame.src) this.#frame.src = this.#address;
    }

    destroy() {
      window.removeEventListener('message', this.#listener);
      this.#host.remove();
    }

    #show(open) {
      this.#frame.hidden = !open;
      this.#box.classList.toggle('open', open);
      this.#button.setAttribute('aria-expanded', String(open));
      this.#button.title = open ? 'Close' : this.#label;
      this.#button.setAttribute('aria-label', this.#button.title);
    }

    #query() {
      const { theme, color, welcome, questions, log, captions } = this.#options;
      const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
      // The page's own ground: it is transparent in a frame.
      this.#box.style.setProperty('--ground', dark ? '#111216' : '#f4f4f1');
      const list = Array.isArray(questions) ? JSON.stringify(questions) : questions;
      const query = { theme, theme_color: color, welcomeMsg: welcome, suggestedQuestions: list, log, captions };
      for (const [name, value] of Object.entries(query)) {
        if (value) this.#address.searchParams.set(name, value);
      }
    }

    /** A command to the page in the frame, by its name without `bithuman:`. */
    send(name, detail = {}) {
      this.#frame.contentWindow?.postMessage({ ...detail, type: `bithuman:${name}` }, this.#address.origin);
    }

    #receive({ source, origin, data }) {
      if (source !== this.#frame.contentWindow || origin !== this.#address.origin) return;
      if (typeof data?.type !== 'string' || !data.type.startsWith('bithuman:')) return;
      document.dispatchEvent(new CustomEvent(data.type, { detail: data }));
    }
  }

  let widget = null;
  const api = {
    /** Makes the widget, in place of an earlier one. Names of older scripts are understood. */
    init(options = {}) {
      api.destroy();
      widget = new Widget({ ...options, code: options.code ?? options.agentId, color: options.color ?? options.themeColor });
    },
    open: () => widget?.open(),
    close: () => widget?.close(),
    send: (name, detail) => widget?.send(name, detail),
    isOpen: () => widget?.isOpen ?? false,
    setTheme: theme => widget?.setTheme(theme),
    destroy() {
      widget?.destroy();
      widget = null;
    },
  };
  window.bitHuman = window.BitHumanChat = window.BitHumanGadget = api;

  const options = { ...script?.dataset };
  if (!options.code && !options.agentId && !options.agentUrl) return;
  const begin = () => api.init(options);
  if (document.body) begin(); else document.addEventListener('DOMContentLoaded', begin);
})();
