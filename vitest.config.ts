import { defineConfig } from 'vitest/config';

/** `npm run fuzz`, `npm run kill`, `npm run long` and `npm run soak` run the same tests for longer. */
const LONGER: Readonly<Record<string, { include: string; env: Record<string, string>; minutes: number }>> = {
  fuzz: { include: 'test/fuzz-*.test.ts', env: { GSAS_FUZZ_CASES: '10000' }, minutes: 60 },
  kill: { include: 'test/{kill,damage}.test.ts', env: { GSAS_KILLS: '50' }, minutes: 60 },
  long: {
    include: 'test/{long,tiled-attention}.test.ts',
    env: { GSAS_LONG_STEPS: '20000', GSAS_LONG_TRAINERS: '1000', GSAS_LONG_DEVICES: '200', GSAS_TILED: 'all' },
    minutes: 60,
  },
  soak: { include: 'test/soak-*.test.ts', env: { GSAS_SOAK_SECONDS: '600' }, minutes: 60 },
};

export default defineConfig(({ mode }) => {
  const longer = LONGER[mode];
  return {
    test: {
      include: [longer?.include ?? 'test/**/*.test.ts'],
      // Dawn crashes when an adapter is requested from a worker thread (dawn-gpu/node-webgpu#13).
      pool: 'forks',
      // The user's cache is not the tests' to write to, and no test is to wait while kernels are tuned.
      env: { GSAS_TUNE: '0', ...longer?.env },
      testTimeout: longer ? longer.minutes * 60_000 : 120_000,
      hookTimeout: 120_000,
    },
  };
});
