import { beforeAll, expect, test } from 'vitest';
import { diagnose, describe as textOf } from '../src/cli/doctor.js';
import { type Survey, surveyAdapters } from '../src/node/adapter.js';
import { gsas } from './support/command.js';

let survey: Survey;
beforeAll(async () => {
  survey = await surveyAdapters({ all: true });
});

test("the diagnosis holds the chosen adapter's own limits and features, also as JSON", () => {
  const { adapter, name, driver, software } = survey.chosen!;
  const diagnosis = diagnose(survey);
  expect(JSON.parse(JSON.stringify(diagnosis))).toEqual(diagnosis);
  expect(diagnosis).toMatchObject({ chosen: name, driver, software, why: survey.why, opens: true });
  expect(diagnosis.adapters).toContainEqual({ name, driver, software });
  expect(diagnosis.limits.maxStorageBufferBindingSize).toBe(adapter.limits.maxStorageBufferBindingSize);
  expect(diagnosis.limits.maxComputeInvocationsPerWorkgroup).toBe(adapter.limits.maxComputeInvocationsPerWorkgroup);
  expect(diagnosis.features['timestamp-query']).toBe(adapter.features.has('timestamp-query'));
  expect(diagnosis.features.subgroups).toBe(diagnosis.subgroupSize !== null);
});

test('the text names every limit and feature once, and the adapter', () => {
  const diagnosis = diagnose(survey);
  const text = textOf(diagnosis);
  for (const key of [...Object.keys(diagnosis.limits), ...Object.keys(diagnosis.features)]) {
    expect(text.split(new RegExp(`^  ${key} `, 'm')), key).toHaveLength(2);
  }
  expect(text).toContain(`Chosen: ${diagnosis.chosen}`);
  expect(text).toContain(`  driver    ${diagnosis.driver}`);
});

test('an adapter that is not there by that name is a mistake, as it is to every command', async () => {
  expect((await gsas(process.cwd(), 'doctor', '--adapter', 'abacus')).status).toBe(2);
});

test('without an adapter it says what to do', () => {
  const diagnosis = diagnose({ seen: [], chosen: undefined, why: 'there is no adapter' });
  expect(diagnosis).toMatchObject({
    adapters: [],
    chosen: null,
    driver: null,
    software: null,
    opens: null,
    limits: {},
  });
  expect(diagnosis.advice.join('\n')).toContain('doctor --install');
  const text = textOf(diagnosis);
  expect(text).toContain('Chosen: none');
  expect(text).toContain(diagnosis.advice[0]);
});

test('an unknown name leaves the adapters seen to choose from', () => {
  const diagnosis = diagnose({ ...survey, chosen: undefined, why: 'no adapter is called "x"' });
  expect(diagnosis.adapters).toHaveLength(survey.seen.length);
  expect(diagnosis.advice.at(-1)).toContain('ask for one of the adapters seen');
});

test('a device that does not open is told, with the reason', () => {
  const diagnosis = diagnose(survey, 'out of luck');
  expect(diagnosis.opens).toBe(false);
  expect(diagnosis.advice.join('\n')).toContain('out of luck');
});

test('SwiftShader alone is advised against, where lavapipe could be had', () => {
  const slow = { ...survey.chosen!, name: 'swiftshader-device-subzero', software: true };
  expect(diagnose({ ...survey, seen: [slow], chosen: slow }).advice.join('\n')).toContain('lavapipe');
  const fast = { ...slow, name: 'llvmpipe-llvm-15-0-6-256-bits' };
  expect(diagnose({ ...survey, seen: [slow, fast], chosen: slow }).advice.join('\n')).not.toContain('lavapipe');
});

test('it says which subgroups kernels use', () => {
  const subgroups = { ...diagnose(survey), subgroupSize: [8, 32] as [number, number] };
  const features = { ...subgroups.features, subgroups: true };
  const text = (more: object) => textOf({ ...subgroups, features, ...more });
  expect(text({ subgroupsUsed: 32 })).toContain('8 to 32 lanes; kernels rely on 32, confirmed by a probe');
  expect(text({ subgroupsUsed: 0 })).toContain('8 to 32 lanes; not used');
  expect(text({ subgroupsUsed: 0, subgroupFault: 'it limps' })).toContain('8 to 32 lanes; not used: it limps');
  const opened = {
    subgroupSize: 0,
    subgroupSizeStated: false,
    subgroupFault: 'it limps',
    timestamps: true,
    software: true,
  };
  expect(diagnose(survey, opened)).toMatchObject({ opens: true, subgroupsUsed: 0, subgroupFault: 'it limps' });
});

test('what was tuned for the adapter is told, and how to tune where nothing was', () => {
  const answer = { op: 'matmul', shape: 'K=8 N=9', size: 1000, builtIn: '32x2', ratio: 0.8123 };
  const text = (choice: string) => textOf({ ...diagnose(survey), tuning: [{ ...answer, choice }] });
  expect(text('16x2')).toContain('  matmul K=8 N=9, about 1000 tokens: 16x2 takes 0.81 of the time of 32x2');
  expect(text('32x2')).toContain('  matmul K=8 N=9, about 1000 tokens: 32x2 as built in');
  expect(textOf({ ...diagnose(survey), tuning: [] })).toContain('`gsas-wgpu tune` measures them');
});
