/** The kinds of failure: the engine's, in their order. */
export const KINDS = [
  "Cancelled",
  "Inference",
  "Internal",
  "InvalidArgument",
  "InvalidAvatar",
  "InvalidState",
  "Io",
  "LimitExceeded",
  "NotFound",
  "ProviderUnavailable",
  "RuntimeMissing",
  "UnsupportedFormat",
  "UnsupportedVersion",
] as const;

/** One of {@link KINDS}. */
export type ErrorKind = (typeof KINDS)[number];

/** An error of the engine, or of what it takes to run it here. */
export class EssenceError extends Error {
  override readonly name = "EssenceError";

  constructor(
    readonly kind: ErrorKind,
    message: string,
  ) {
    super(message);
  }
}

/** An error as it travels between page and worker. */
export interface PlainError {
  kind: ErrorKind | "AbortError";
  message: string;
}

/** An error for the way between page and worker. */
export function plain(error: unknown): PlainError {
  if (error instanceof EssenceError) return { kind: error.kind, message: error.message };
  if (error instanceof DOMException && error.name === "AbortError") {
    return { kind: "AbortError", message: error.message };
  }
  return { kind: "Internal", message: error instanceof Error ? error.message : String(error) };
}

/** The error that was sent. */
export function revived(error: PlainError): Error {
  return error.kind === "AbortError"
    ? new DOMException(error.message, "AbortError")
    : new EssenceError(error.kind, error.message);
}
