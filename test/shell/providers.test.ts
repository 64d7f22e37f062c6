import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProviderState } from '../../preload/contract';

/** The built program and ONNX Runtime's own WebGPU, on the Vulkan in software that comes with Chromium and Electron. */

const root = path.resolve(import.meta.dirname, '../..');
const demo = path.join(root, 'assets/demo-study');
const software =
  ['/usr/lib/chromium', process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? ''].find(
    (folder) =>
      existsSync(path.join(folder, 'vk_swiftshader_icd.json')) && existsSync(path.join(folder, 'libvulkan.so.1')),
  ) ?? null;
const why =
  process.platform !== 'linux' || process.arch !== 'x64' ? 'only on Linux x64' : 'no Vulkan in software is here';
const skip = software === null || process.platform !== 'linux' || process.arch !== 'x64';
if (skip && process.platform === 'linux' && process.env['UNPOOL_TEST_ALL'] === '1') throw new Error(why);

const homes: string[] = [];
const home = (): string => {
  homes.push(mkdtempSync(path.join(tmpdir(), 'unpool-providers-')));
  return homes.at(-1)!;
};
async function unpool(place: string, env: Record<string, string>, ...args: string[]) {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['main/unpool.cjs', ...args], {
    cwd: root,
    env: { ...process.env, UNPOOL_HOME: place, ...env },
    maxBuffer: 2 ** 26,
    encoding: 'buffer',
  });
  return { out: stdout, err: stderr.toString() };
}
const pixels = (png: Buffer): Promise<Buffer> => sharp(png).raw().toBuffer();
const figure = ['figure', demo, '--layer', 'conv3', '--unit', '10', '-o', '-'];

beforeAll(() => void execFileSync(process.execPath, ['main/build.cjs'], { cwd: root, stdio: 'inherit' }), 120_000);
afterAll(() => homes.forEach((each) => rmSync(each, { recursive: true })));

it('where there is no driver the reason is told, and the processor computes', async () => {
  const place = home();
  const none = { VK_ICD_FILENAMES: path.join(root, 'not-there.json'), LD_LIBRARY_PATH: '' };
  const states = JSON.parse((await unpool(place, none, 'processors', '--json')).out.toString()) as ProviderState[];
  expect(states.map(({ id }) => id)).toEqual(['webgpu', 'cuda', 'directml', 'coreml']);
  for (const { state, reason } of states) if (state !== 'fits') expect(reason, state).toMatch(/\w{3,}/);
  const [unfit] = states.filter(({ state }) => state !== 'fits');
  const { out, err } = await unpool(place, none, '--runtime', unfit!.id, ...figure);
  expect(err).toContain(`${unfit!.label} is not used: `);
  expect((await sharp(out).metadata()).format).toBe('png');
}, 300_000);

describe.skipIf(skip)(`on WebGPU${skip ? ` (skipped: ${why})` : ''}`, () => {
  it('it gives the processor’s numbers, switches and ties included, and makes the same figure', async () => {
    const place = home();
    const vulkan = {
      LD_LIBRARY_PATH: software!,
      VK_ICD_FILENAMES: path.join(software!, 'vk_swiftshader_icd.json'),
    };
    const states = JSON.parse((await unpool(place, vulkan, 'processors', '--json')).out.toString()) as ProviderState[];
    const webgpu = states.find(({ id }) => id === 'webgpu')!;
    expect(webgpu).toMatchObject({ state: 'fits', reason: null });
    expect(webgpu.difference).toBeLessThan(1e-5);

    const graphics = await unpool(place, vulkan, '--runtime', 'webgpu', ...figure);
    expect(graphics.err).toBe('');
    const processor = await unpool(home(), {}, '--runtime', 'onnxruntime', ...figure);
    const [a, b] = [await pixels(graphics.out), await pixels(processor.out)];
    expect(a.length).toBe(b.length);
    let worst = 0;
    a.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - b[i]!))));
    expect(worst).toBeLessThanOrEqual(1);
  }, 400_000);
});
