import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLabels, parseLabels } from '../../../main/engine/pictures/labels';
import { makeFolder } from './support';

describe('parseLabels', () => {
  it('keeps the first synonym, without the WordNet number', () => {
    expect(parseLabels('n01440764 tench, Tinca tinca\r\nn01443537 goldfish, Carassius auratus\n', false)).toEqual(['tench', 'goldfish']); // prettier-ignore
    expect(parseLabels('\uFEFFgreat white shark\n n2 \n\nhen', false)).toEqual(['great white shark', 'n2', 'hen']);
  });
  it('reads lists and dictionaries', () => {
    expect(parseLabels('["a, b", "c"]', true)).toEqual(['a', 'c']);
    expect(parseLabels('\uFEFF{"1": "second", "0": "first"}', true)).toEqual(['first', 'second']);
    expect(parseLabels('{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}', true)).toEqual(['tench', 'goldfish']); // prettier-ignore
  });
  it('finds none in something else', () => {
    for (const text of ['{"a": 1}', '{', '3', 'null', '{"1000000000": "far"}', '{"1": "a", "01": "b"', '{"-1": "a"}'])
      expect(parseLabels(text, true)).toEqual([]);
  });
});

describe('findLabels', () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeAll(async () => ({ folder, remove } = await makeFolder()));
  afterAll(() => remove());

  it("prefers the model's own file to one for the folder", async () => {
    const model = join(folder, 'net1.0.onnx');
    expect(await findLabels(model)).toBeNull();
    await writeFile(join(folder, 'labels.json'), '["from json"]');
    expect(await findLabels(model)).toEqual({ file: join(folder, 'labels.json'), names: ['from json'] });
    await writeFile(join(folder, 'labels.txt'), 'for the folder');
    expect(await findLabels(model)).toMatchObject({ names: ['for the folder'] });
    await writeFile(join(folder, 'net1.0.labels.txt'), 'its own');
    expect(await findLabels(model)).toEqual({ file: join(folder, 'net1.0.labels.txt'), names: ['its own'] });
    await writeFile(join(folder, 'net1.0.labels.txt'), '\n\n');
    expect(await findLabels(model)).toMatchObject({ names: ['for the folder'] });
    await rm(join(folder, 'net1.0.labels.txt'));
  });
});
