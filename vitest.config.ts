import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Dawn crashes when an adapter is requested from a worker thread (dawn-gpu/node-webgpu#13).
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
