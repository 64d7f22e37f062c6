import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Study } from './study';

/** A folder of the program's own place for what people add to a study that is not for writing; null where its own folder takes it. */
export function asideOf(study: Pick<Study, 'path' | 'demo' | 'writable'>, home: string, kind: string): string | null {
  if (study.writable && !study.demo) return null;
  return join(home, kind, createHash('sha256').update(study.path).digest('hex').slice(0, 16));
}
