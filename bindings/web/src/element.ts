/**
 * `<bithuman-avatar src="mika.imx">`: an avatar as an element. Importing this module defines it.
 *
 * Attributes: `src`; `muted` (it is not heard); `fit` (`contain`, `cover`); `stream` (its session has a
 * stream). Events: those of a session, `ready` when it can speak, `picture` when its first picture is
 * there, `progress`, `error`.
 */
import { type Avatar, open } from "./avatar.js";
import type { Curves, Visemes } from "./engine.js";
import { EssenceError } from "./errors.js";
import type { Session } from "./session.js";

const EVENTS = ["frame", "end-of-speech", "gesture", "error"] as const;

const STYLE = `
:host { display: inline-block; position: relative; aspect-ratio: 1; max-width: 100% }
canvas { display: block; width: 100%; height: 100%; object-fit: contain }
:host([fit="cover"]) canvas { object-fit: cover }
canvas + canvas { position: absolute; inset: 0 }
`;

export class BithumanAvatar extends HTMLElement {
  static readonly observedAttributes = ["src", "muted"];

  /** The folder of worker, worklet and modules; beside this script unless it is set. */
  base: string | URL | undefined;
  #ends: AbortController | undefined;
  #avatar: Avatar | undefined;
  #session: Session | undefined;
  /** The shape that it has given itself. */
  #shape = "";

  /** The address of the avatar's file. */
  get src(): string {
    return this.getAttribute("src") ?? "";
  }

  set src(src: string) {
    this.setAttribute("src", src);
  }

  /** Whether speech is not heard; the face doesn't speak either. */
  get muted(): boolean {
    return this.hasAttribute("muted");
  }

  set muted(muted: boolean) {
    this.toggleAttribute("muted", muted);
  }

  /** The conversation, once it is `ready`. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** The avatar, once it is `ready`. */
  get avatar(): Avatar | undefined {
    return this.#avatar;
  }

  connectedCallback(): void {
    void this.#start();
  }

  disconnectedCallback(): void {
    this.#stop();
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (name === "muted") void this.#session?.setMuted(now !== null).catch(() => {});
    else if (this.isConnected && before !== now) void this.#start();
  }

  async pushAudio(samples: Float32Array | Int16Array, sampleRate: number): Promise<void> {
    await this.#ready().pushAudio(samples, sampleRate);
  }

  async flush(): Promise<void> {
    await this.#ready().flush();
  }

  async interrupt(): Promise<void> {
    await this.#ready().interrupt();
  }

  async perform(motion: string): Promise<void> {
    await this.#ready().perform(motion);
  }

  async pushVisemes(visemes: Visemes): Promise<void> {
    await this.#ready().pushVisemes(visemes);
  }

  async pushCurves(curves: Curves): Promise<void> {
    await this.#ready().pushCurves(curves);
  }

  #ready(): Session {
    if (this.#session === undefined) {
      throw new EssenceError("InvalidState", "the avatar is not ready yet: wait for its event `ready`");
    }
    return this.#session;
  }

  async #start(): Promise<void> {
    this.#stop();
    if (this.src === "") return;
    const ends = new AbortController();
    this.#ends = ends;
    const { signal } = ends;
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const canvas = document.createElement("canvas");
    root.replaceChildren(canvas);
    const tell = (type: string, detail: unknown) =>
      this.dispatchEvent(new CustomEvent(type, { detail }));
    try {
      const avatar = await open(this.src, {
        signal,
        ...(this.base === undefined ? {} : { base: this.base }),
        onProgress: (progress) => tell("progress", progress),
        onPicture: (picture) => void this.#show(canvas, picture, signal),
      });
      this.#avatar = avatar;
      const session = await avatar.session({ canvas, mediaStream: this.hasAttribute("stream") });
      signal.throwIfAborted();
      this.#take(session);
      for (const type of EVENTS) {
        session.addEventListener(type, (event) => tell(type, event.detail), { signal });
      }
      this.#session = session;
      if (this.muted) await session.setMuted(true);
      tell("ready", avatar.info);
    } catch (error) {
      if (!signal.aborted) tell("error", error);
    }
  }

  /** Shows the first picture until there are frames. On a canvas, since a page may forbid images. */
  async #show(canvas: HTMLCanvasElement, picture: Blob, signal: AbortSignal): Promise<void> {
    const bitmap = await createImageBitmap(picture).catch(() => undefined);
    if (bitmap === undefined || signal.aborted) return;
    const { width, height } = bitmap;
    this.#take(bitmap);
    const poster = Object.assign(document.createElement("canvas"), { width, height });
    poster.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
    canvas.after(poster);
    this.addEventListener("frame", () => poster.remove(), { once: true, signal });
    this.dispatchEvent(new CustomEvent("picture", { detail: { width, height } }));
  }

  /** Takes on a picture's shape, unless the page has given it another one. */
  #take({ width, height }: { width: number; height: number }): void {
    if (this.style.aspectRatio !== this.#shape) return;
    this.style.aspectRatio = `${width} / ${height}`;
    this.#shape = this.style.aspectRatio;
  }

  #stop(): void {
    this.#ends?.abort();
    this.#avatar?.close();
    this.#ends = this.#avatar = this.#session = undefined;
  }
}

if (!customElements.get("bithuman-avatar")) {
  customElements.define("bithuman-avatar", BithumanAvatar);
}
