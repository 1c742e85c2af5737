/** The worker of an avatar: the engine, its sessions, and what the page asks of them. */
import { Conversation } from "./conversation.js";
import type { AvatarInfo } from "./engine.js";
import { EssenceError, plain } from "./errors.js";
import { fastest, type Loaded, load, type Modules, modulesAt } from "./load.js";
import type { Call, Calls, Message } from "./protocol.js";
import { ofBytes, ofUrl } from "./source.js";

const ends = new AbortController();
let loaded: (Loaded & { info: AvatarInfo }) | undefined;
/** The base frames that come after opening. */
let rest: Promise<void> = Promise.resolve();
const conversations = new Map<number, Conversation>();

function send(message: Message, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

function opened() {
  if (loaded === undefined) throw new EssenceError("InvalidState", "no avatar is open");
  return loaded;
}

function conversation(session: number): Conversation {
  const found = conversations.get(session);
  if (found === undefined) throw new EssenceError("InvalidState", "the session was closed");
  return found;
}

type Handlers = {
  [Name in keyof Calls]: (
    argument: Calls[Name][0],
  ) => Calls[Name][1] | Promise<Calls[Name][1]>;
};

const handlers: Handlers = {
  async open({ source, base, cache }) {
    const { signal } = ends;
    // The module comes while the file's beginning does.
    const modules = modulesAt(base, signal);
    const build = fastest();
    const first = modules(build);
    first.catch(() => {});
    const onBytes = (bytes: number, of: number) => send({ progress: { bytes, of } });
    const file =
      typeof source === "string"
        ? await ofUrl(source, { signal, cache, onBytes })
        : ofBytes(new Uint8Array(source));
    const wanted: Modules = (other) => (other === build ? first : modules(other));
    const result = await load(wanted, file, (picture) => send({ picture }));
    const info = result.engine.describe(result.avatar);
    loaded = { ...result, info };
    rest = result.rest();
    // It is told when it is asked for.
    rest.catch(() => {});
    return info;
  },
  session(call) {
    const { engine, avatar, info } = opened();
    const made = new Conversation(engine, avatar, info, call, send);
    conversations.set(made.handle, made);
    return { session: made.handle, ...made.size };
  },
  track: ({ session }) => conversation(session).track(),
  push: ({ session, samples, sampleRate }) => conversation(session).push(samples, sampleRate),
  curves: ({ session, curves }) => opened().engine.pushCurves(conversation(session).handle, curves),
  visemes: ({ session, visemes }) =>
    opened().engine.pushVisemes(conversation(session).handle, visemes),
  flush: ({ session }) => conversation(session).flush(),
  interrupt: ({ session }) => conversation(session).interrupt(),
  pause: ({ session, paused }) => opened().engine.pause(conversation(session).handle, paused),
  mute: ({ session, muted }) => opened().engine.mute(conversation(session).handle, muted),
  perform: ({ session, motion }) => opened().engine.perform(conversation(session).handle, motion),
  emotion: ({ session, emotion, strength }) =>
    opened().engine.setEmotion(conversation(session).handle, emotion, strength),
  statistics({ session }) {
    const { engine } = opened();
    const counts = engine.statistics(conversation(session).handle);
    return { ...counts, memoryBytes: engine.memoryBytes };
  },
  rest: () => rest,
  close({ session }) {
    conversation(session).close();
    conversations.delete(session);
  },
};

self.onmessage = async ({ data }: MessageEvent<Call>) => {
  const { id, name, argument } = data;
  try {
    const handler = handlers[name] as (argument: unknown) => unknown;
    const value = await handler(argument);
    send({ id, value }, name === "track" ? [value as Transferable] : []);
  } catch (error) {
    send({ id, error: plain(error) });
  }
};
