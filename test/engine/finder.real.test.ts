import * as ort from 'onnxruntime-node';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { startEngine, type TestEngine } from './support';

const shared = resolve(process.env['UNPOOL_SHARED'] ?? join(__dirname, '../../../shared'));
const models = ['squeezenet1.0', 'tinydarknet'].map((name) => join(shared, `models/${name}.onnx`));
const pictures = join(shared, 'photos/grocery');
const missing = [...models, pictures].filter((path) => !existsSync(path));
const skip = missing.length > 0 && process.env['UNPOOL_TEST_ALL'] !== '1';
if (skip) console.warn(`skipped: ${missing.join(', ')} not there (UNPOOL_SHARED names another place)`);

describe.skipIf(skip)('the preprocessing finder on photographs of fruit and vegetables', () => {
  let home: string;
  let engine: TestEngine;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'unpool-finder-'));
    engine = startEngine(home, { runtime: createOrtRuntime(ort as unknown as Ort, { threads: 2 }) });
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(home, { recursive: true, force: true });
  });

  it.each([
    [models[0]!, 'caffe-rgb', { scale: 1, channels: 'rgb', mean: [123, 117, 104], size: [227, 227] }],
    [models[1]!, 'darknet', { channels: 'rgb', mean: [0, 0, 0], resize: { rule: 'crop', shorter: 256 } }],
  ])(
    'finds what %s takes, and its labels',
    async (path, preset, expected) => {
      const table = await engine.call('model.evidence', { path, pictures });
      const [best] = table.rows;
      expect(best).toMatchObject({ preset, labelled: 60 });
      expect(best!.labels).toMatch(/^beside:/);
      expect(table.presets.find(({ id }) => id === preset)!.preprocessing).toMatchObject(expected);
      expect(table.unmatched).toEqual([]);
      expect(best!.top1).toBeGreaterThan(0.4);
      // Other numbers are far behind: what is left open is only the way to the size, and that is said.
      const numbers = (id: string) => {
        const { channels, scale, mean } = table.presets.find((each) => each.id === id)!.preprocessing;
        return JSON.stringify([channels, scale, mean]);
      };
      for (const row of table.rows)
        if (numbers(row.preset) !== numbers(preset)) expect(row.top1).toBeLessThan(0.6 * best!.top1!);
      // A list in another order shows itself.
      for (const row of table.rows.filter(({ labels }) => !labels!.startsWith('beside:'))) {
        expect(row.top1).toBeLessThan(0.1);
      }
    },
    300_000,
  );
});
