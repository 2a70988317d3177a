/** Storage types that become float32: bytes per element, and how to read an element. Bytes are little-endian. */
export const FLOATS: Readonly<Record<string, { bytes: number; at: (data: DataView, offset: number) => number }>> = {
  FloatStorage: { bytes: 4, at: (data, offset) => data.getFloat32(offset, true) },
  DoubleStorage: { bytes: 8, at: (data, offset) => data.getFloat64(offset, true) },
  HalfStorage: { bytes: 2, at: (data, offset) => halfToFloat(data.getUint16(offset, true)) },
  BFloat16Storage: { bytes: 2, at: (data, offset) => bfloatToFloat(data.getUint16(offset, true)) },
};

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const WORD = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function bfloatToFloat(bits: number): number {
  WORD.setUint16(2, bits, true);
  return WORD.getFloat32(0, true);
}
