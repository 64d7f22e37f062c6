/** Questions of which only the last one counts: each new one cancels the one before. */
export function latest(): { next(): AbortSignal; stop(): void } {
  let controller = new AbortController();
  return {
    next() {
      controller.abort();
      controller = new AbortController();
      return controller.signal;
    },
    stop: () => controller.abort(),
  };
}
