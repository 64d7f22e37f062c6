import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';
import { i18nFlags } from '../../../renderer/i18n/flags';

/** The window on the fake host, for looking at: built, so that the page's policy is the real one. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  define: i18nFlags,
  plugins: [vue()],
  build: { outDir: '../../../dist/renderer-fake', emptyOutDir: true, chunkSizeWarningLimit: 2000, minify: false },
});
