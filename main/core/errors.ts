/** Where bad input was found. Each part is optional; the user sees those that are there. */
export interface Place {
  file?: string;
  node?: string;
  field?: string;
}

/**
 * An error meant for the user: says what is wrong, where, and what to do about it.
 * Everything else that is thrown is a defect and is shown as one.
 */
export class UnpoolError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly place: Place;

  constructor(code: string, message: string, more: { hint?: string; place?: Place; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'UnpoolError';
    this.code = code;
    this.hint = more.hint;
    this.place = more.place ?? {};
  }
}

/** Thrown where work was cancelled by the user; never shown. */
export class CancelledError extends Error {
  constructor() {
    super('cancelled');
    this.name = 'CancelledError';
  }
}

/** An AbortSignal as far as core needs one (core knows neither DOM nor Node). */
export interface Cancellation {
  readonly aborted: boolean;
}

export function throwIfCancelled(signal: Cancellation | undefined): void {
  if (signal?.aborted) throw new CancelledError();
}
