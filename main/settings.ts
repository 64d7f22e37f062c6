import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { runtimeChoices } from '../preload/contract';

const bounds = v.object({
  x: v.exactOptional(v.number()),
  y: v.exactOptional(v.number()),
  width: v.number(),
  height: v.number(),
});
const schema = v.object({
  bounds: v.optional(bounds),
  maximised: v.optional(v.boolean(), false),
  theme: v.optional(v.picklist(['system', 'light', 'dark']), 'system'),
  runtime: v.optional(v.picklist(runtimeChoices), 'auto'),
});

/** What is remembered from one start to the next: by the desktop shell, and the runtime by the engine. */
export type Settings = v.InferOutput<typeof schema>;

/** Reads settings.json; one that is not there or not whole means the defaults. */
export function readSettings(folder: string): Settings {
  try {
    return v.parse(schema, JSON.parse(readFileSync(path.join(folder, 'settings.json'), 'utf8')));
  } catch {
    return v.parse(schema, {});
  }
}

export function writeSettings(folder: string, settings: Settings): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'settings.json'), `${JSON.stringify(settings, null, 2)}\n`);
}
