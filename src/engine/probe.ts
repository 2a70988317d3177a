import { BufferUsage, MapMode } from './flags.js';
import { enableSubgroups, type Subgroups } from './wgsl.js';

const MOST_INVOCATIONS = 256; // of a workgroup on every adapter
const MOST_SUBGROUPS = 16; // of a workgroup: as many as kernels have, and fewer than any adapter's limit

/** What an invocation may find wrong, a bit each. `wrong` is WGSL. */
const FAULTS = [
  { what: 'its subgroup has another size', wrong: 'size != LANES' },
  { what: 'its lane does not follow from its number in the workgroup', wrong: 'lane != local % LANES' },
  {
    what: 'its subgroup does not consist of neighbours',
    wrong: '(subgroupMin(local) != first) | (subgroupMax(local) != first + LANES - 1u)',
  },
  { what: 'some lanes of its subgroup are not active', wrong: 'subgroupAdd(1u) != LANES' },
  {
    what: 'a broadcast returns the value of another lane',
    wrong: 'subgroupBroadcast(local, 1u) != first + 1u',
  },
  {
    what: 'a shuffle returns the value of another lane',
    wrong: 'subgroupShuffle(local, LANES - 1u - lane) != first + LANES - 1u - lane',
  },
];

/**
 * Runs a shader that checks what kernels with subgroups assume and WGSL does not guarantee: that a subgroup has this many lanes, all active, and
 * consists of neighbouring invocations in order.
 * @returns the first thing that is wrong; undefined if nothing is
 */
export async function probeSubgroups(device: GPUDevice, subgroups: Subgroups): Promise<string | undefined> {
  const { lanes, stated } = subgroups;
  const invocations = Math.min(MOST_INVOCATIONS, MOST_SUBGROUPS * lanes);
  const size = 4 * invocations;
  const code = `${enableSubgroups(subgroups)}
const LANES = ${lanes}u;
@group(0) @binding(0) var<storage, read_write> faults: array<u32, ${invocations}>;
@compute @workgroup_size(${invocations})${stated ? ` @subgroup_size(${lanes})` : ''}
fn main(@builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32,
        @builtin(subgroup_size) size: u32) {
  let first = local / LANES * LANES;
  var fault = 0u;
  ${FAULTS.map(({ wrong }, bit) => `fault |= select(0u, ${1 << bit}u, ${wrong});`).join('\n  ')}
  faults[local] = fault;
}
`;
  device.pushErrorScope('validation');
  const [faults, staging] = [
    BufferUsage.STORAGE | BufferUsage.COPY_SRC,
    BufferUsage.MAP_READ | BufferUsage.COPY_DST,
  ].map((usage) => device.createBuffer({ size, usage }));
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: faults } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(faults, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  const mapped = staging.mapAsync(MapMode.READ).then(
    () => true,
    () => false,
  );
  const refusal = await device.popErrorScope();
  if (refusal) return `the shader that checks them is refused: ${refusal.message.trim().split('\n')[0]}`;
  if (!(await mapped)) return 'the shader that checks them does not run';
  const found = new Uint32Array(staging.getMappedRange().slice(0));
  for (const buffer of [faults, staging]) buffer.destroy();
  const local = found.findIndex((bits) => bits !== 0);
  if (local < 0) return undefined;
  const { what } = FAULTS[Math.log2(found[local] & -found[local])];
  return `of invocation ${local}, in subgroups of ${lanes}: ${what}`;
}
