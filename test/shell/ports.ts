import type { RpcPort } from '../../preload/rpc';

/** Two ends of one channel in this process. Messages are copied, as every real port does, and arrive later. */
export function portPair(): [RpcPort & { close(): void }, RpcPort & { close(): void }] {
  const closers: (() => void)[] = [];
  let open = true;
  const handlers: [((message: unknown) => void)[], ((message: unknown) => void)[]] = [[], []];
  const end = (own: 0 | 1): RpcPort & { close(): void } => ({
    post(message) {
      const copy = structuredClone(message);
      queueMicrotask(() => open && handlers[own === 0 ? 1 : 0].forEach((handler) => handler(copy)));
    },
    listen: (handler) => void handlers[own].push(handler),
    onClose: (handler) => void closers.push(handler),
    close() {
      open = false;
      for (const closer of closers.splice(0)) closer();
    },
  });
  return [end(0), end(1)];
}
