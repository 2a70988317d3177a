import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Dawn crashes when an adapter is requested from a worker thread (dawn-gpu/node-webgpu#13).
    pool: 'forks',
    // The user's cache is not the tests' to write to, and no test is to wait while kernels are tuned.
    env: { GSAS_TUNE: '0' },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
