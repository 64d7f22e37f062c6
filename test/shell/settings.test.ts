import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ownArguments } from '../../main/arguments';
import { readSettings, writeSettings } from '../../main/settings';

const folder = mkdtempSync(path.join(tmpdir(), 'unpool-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));
const defaults = { maximised: false, theme: 'system', runtime: 'auto' };

it('settings come back as they were written, into a folder that was not there', () => {
  const settings = {
    bounds: { x: -5, y: 0, width: 800, height: 600 },
    maximised: true,
    theme: 'dark',
    runtime: 'tfjs-wasm',
  } as const;
  writeSettings(path.join(folder, 'new'), settings);
  expect(readSettings(path.join(folder, 'new'))).toEqual(settings);
});

it.each(['', '{', 'null', '[]', '{"theme":"pink"}', '{"runtime":"abacus"}', '{"bounds":{"width":"wide"}}'])(
  'settings that are not whole mean the defaults: %s',
  (text) => {
    writeFileSync(path.join(folder, 'settings.json'), text);
    expect(readSettings(folder)).toMatchObject(text === '[]' ? {} : defaults);
  },
);

it('no settings mean the defaults', () => {
  expect(readSettings(path.join(folder, 'none'))).toEqual(defaults);
});

it('the program’s own arguments are told from Electron’s', () => {
  const app = path.resolve('/apps/unpool');
  expect(ownArguments(['electron', '--no-sandbox', app, '--initial={}', 'a.onnx'], app)).toEqual([
    '--initial={}',
    'a.onnx',
  ]);
  expect(ownArguments(['Unpool', '--no-sandbox', 'scan', 'm.onnx', '-o', 'x'], null)).toEqual([
    'scan',
    'm.onnx',
    '-o',
    'x',
  ]);
  expect(ownArguments(['Unpool'], null)).toEqual([]);
});
