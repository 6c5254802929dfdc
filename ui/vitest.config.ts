import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

import { guide } from './guide';

export default defineConfig({
  plugins: [svelte(), guide()],
  define: { __FAKE__: 'true' },
  // State is tested with the runes of the browser, not with their server stubs.
  resolve: { conditions: ['browser'] },
  test: { include: ['tests/unit/**/*.test.ts'], environment: 'node' },
});
