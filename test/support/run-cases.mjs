/**
 * Checks every case of the registry on the host's own WebGPU. A page and Deno load this file as it is, so it is JavaScript and imports nothing.
 * @param library what dist/browser.js exports
 * @param options as for Gpu.open
 * @returns the adapter, the lanes of its subgroups, and for each case, by operation and number, how many results were compared and what is wrong
 */
export async function runCases({ Gpu, registry, checkCase, isOff }, options) {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('WebGPU has no adapter here');
  const gpu = await Gpu.open(adapter, options);
  const { vendor, architecture, description } = adapter.info;
  const name = [vendor, architecture, description].filter((part) => part).join(' ');
  const cases = {};
  for (const op of registry) {
    for (const number of op.cases.keys()) {
      cases[`${op.name} ${number}`] = await checkCase(gpu, op, number).then(
        (deviations) => ({
          compared: deviations.length,
          wrong: deviations.filter(isOff).map(({ name, apart, tolerance }) => `${name}: ${apart}, not ${tolerance}`),
        }),
        (error) => ({ compared: 0, wrong: [error.message] }),
      );
    }
  }
  const { subgroupSize } = gpu.capabilities;
  gpu.close();
  return { adapter: name, subgroupSize, cases };
}
