import { builtinModules } from 'node:module';
import path from 'node:path';
import vue from '@vitejs/plugin-vue';
import type { UserConfig } from 'vite';
import manifest from './package.json';
import { i18nFlags } from './renderer/i18n/flags';

const root = import.meta.dirname;
const dependencies = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies)];
const external = (id: string): boolean =>
  id === 'electron' ||
  id.startsWith('node:') ||
  builtinModules.includes(id) ||
  dependencies.some((name) => id === name || id.startsWith(`${name}/`));

/** Main and preload as CommonJS: the oldest Electron that runs them (25) knows nothing else in a sandbox. */
const node = (entries: Record<string, string>, outDir: string, keepOut: (id: string) => boolean): UserConfig => ({
  root,
  configFile: false,
  logLevel: 'warn',
  publicDir: false,
  build: {
    outDir,
    emptyOutDir: true,
    target: 'node20',
    minify: false,
    sourcemap: true,
    ssr: true,
    rollupOptions: {
      input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, path.join(root, file)])),
      external: keepOut,
      output: { format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name]-[hash].cjs', exports: 'named' },
    },
  },
  ssr: { noExternal: true },
});

export const renderer: UserConfig = {
  root: path.join(root, 'renderer'),
  configFile: false,
  logLevel: 'warn',
  base: './',
  define: i18nFlags,
  plugins: [vue()],
  build: {
    outDir: path.join(root, 'dist/renderer'),
    emptyOutDir: true,
    target: ['chrome114', 'es2023'],
    chunkSizeWarningLimit: 1500,
  },
};

export const builds: UserConfig[] = [
  node(
    {
      index: 'main/index.ts',
      cli: 'main/cli.ts',
      engine: 'main/engine/index.ts',
      decoder: 'main/engine/pictures/decoder.ts',
      trial: 'main/engine/providers/child.ts',
    },
    path.join(root, 'dist/main'),
    external,
  ),
  // The sandboxed preload can require nothing but electron: everything else goes in.
  node({ index: 'preload/index.ts' }, path.join(root, 'dist/preload'), (id) => id === 'electron'),
  renderer,
];
