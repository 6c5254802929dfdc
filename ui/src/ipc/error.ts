import type { ErrorCode, WireError } from './bindings';

/** Why a command did not do what it was asked. What was there before is unchanged. */
export class IpcError extends Error {
  override readonly name = 'IpcError';
  readonly code: ErrorCode;
  /** What the machine said, on one line; may be empty. */
  readonly detail: string;
  /** Seconds that the server asks to wait, where it does. */
  readonly retryAfter: number | null;

  constructor(error: WireError & { retryAfter?: number | null }) {
    super(error.detail === '' ? error.code : `${error.code}: ${error.detail}`);
    this.code = error.code;
    this.detail = error.detail;
    this.retryAfter = error.retryAfter ?? null;
  }

  /** Any thrown thing as an `IpcError`; what Rust did not name is `internal`. */
  static from(thrown: unknown): IpcError {
    if (thrown instanceof IpcError) return thrown;
    const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    return new IpcError({ code: 'internal', detail });
  }
}
