/** Edits with the same key within this time (ms) are one. */
const together = 1200;
const most = 200;

/** What was before, and what was undone. */
export class History<T> {
  private past: T[] = [];
  private future: T[] = [];
  private last = { key: '', at: 0 };

  get canUndo(): boolean {
    return this.past.length > 0;
  }
  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** Remembers a state that is about to change. */
  push(state: T, key = '', now = Date.now()): void {
    const same = key !== '' && key === this.last.key && now - this.last.at < together;
    this.last = { key, at: now };
    this.future = [];
    if (!same) this.past = [...this.past, state].slice(-most);
  }

  /** The state before, or undefined where there is none. */
  undo(state: T): T | undefined {
    return this.step(this.past, this.future, state);
  }
  redo(state: T): T | undefined {
    return this.step(this.future, this.past, state);
  }

  private step(from: T[], to: T[], state: T): T | undefined {
    const next = from.pop();
    if (next !== undefined) to.push(state);
    this.last = { key: '', at: 0 };
    return next;
  }

  /** Changes what is remembered by something that is no step of its own. */
  revise(change: (state: T) => T): void {
    this.past = this.past.map(change);
    this.future = this.future.map(change);
  }

  clear(): void {
    this.past = [];
    this.future = [];
    this.last = { key: '', at: 0 };
  }
}
