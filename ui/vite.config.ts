import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

import { guide } from './guide';

// `production` is the app; `fake` is the same window over an invented bureau, for the browser tests.
export default defineConfig(({ mode }) => ({
  plugins: [svelte(), guide()],
  define: { __FAKE__: JSON.stringify(mode !== 'production') },
  clearScreen: false,
  server: { host: '127.0.0.1', port: 1420, strictPort: true },
  build: {
    target: 'safari15',
    outDir: mode === 'fake' ? 'tests/.artefacts/site' : 'dist',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // The app's CSP allows no `data:` fonts or frames, and one file per asset costs nothing on disk.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
}));
