/**
 * Talking avatars in the browser tab: speech audio in, lip-synced pictures out, no server.
 *
 * ```js
 * import { open } from "libessence-web";
 * const avatar = await open("mika.imx");
 * const session = await avatar.session({ canvas: document.querySelector("canvas") });
 * await session.pushAudio(samples, 24000);
 * await session.flush();
 * ```
 */
export { Avatar, open, type OpenOptions, type Progress } from "./avatar.js";
export type { AvatarInfo, Curves, PictureOptions, Statistics, Visemes } from "./engine.js";
export { EssenceError, type ErrorKind } from "./errors.js";
export type { FrameEvent } from "./protocol.js";
export { Session, type SessionEvents, type SessionOptions } from "./session.js";
