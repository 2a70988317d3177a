/** WebGPU's flag values, from the specification: Node has no `GPUBufferUsage`, `GPUMapMode` or `GPUShaderStage` globals. */
export const BufferUsage = {
  MAP_READ: 0x001,
  COPY_SRC: 0x004,
  COPY_DST: 0x008,
  UNIFORM: 0x040,
  STORAGE: 0x080,
  INDIRECT: 0x100,
  QUERY_RESOLVE: 0x200,
} as const;

export const MapMode = { READ: 1 } as const;
export const ShaderStage = { COMPUTE: 4 } as const;
