import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';
import { i18nFlags } from './renderer/i18n/flags';

/** Everything that needs no browser, no Electron, no Python; test/e2e has a configuration of its own. */
export default defineConfig({
  define: i18nFlags,
  plugins: [vue()],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/e2e/**', 'assets/**'],
    testTimeout: 60_000,
    // Two at a time: the engine's runtime takes the other cores.
    maxWorkers: 2,
  },
});
