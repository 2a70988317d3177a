/**
 * The names of WebGPU's interfaces that the declarations of this package use. They add nothing to what the DOM library or @webgpu/types says of them;
 * where a program has neither, they let its compiler read the declarations.
 */
declare global {
  interface GPU {}
  interface GPUAdapter {}
  interface GPUAdapterInfo {}
  interface GPUBindGroup {}
  interface GPUBindGroupLayout {}
  interface GPUBuffer {}
  interface GPUCommandEncoder {}
  interface GPUComputePassEncoder {}
  interface GPUComputePipeline {}
  interface GPUDevice {}
  interface GPUError {}
}

export {};
