/** Keeps the values used last, up to a number of bytes. A value larger than that is not kept. */
export class LruCache<T> {
  private readonly values = new Map<string, { value: T; bytes: number }>();
  private readonly limit: number;
  private total = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get bytes(): number {
    return this.total;
  }

  get(key: string): T | undefined {
    const entry = this.values.get(key);
    if (!entry) return undefined;
    this.values.delete(key);
    this.values.set(key, entry);
    return entry.value;
  }

  set(key: string, value: T, bytes: number): void {
    this.forget(key);
    if (bytes > this.limit) return;
    this.values.set(key, { value, bytes });
    this.total += bytes;
    for (const oldest of this.values.keys()) {
      if (this.total <= this.limit) break;
      this.forget(oldest);
    }
  }

  forget(key: string): void {
    this.total -= this.values.get(key)?.bytes ?? 0;
    this.values.delete(key);
  }
}
