/**
 * One copy of what policy and reference have in common. Where the reference is the base of the policy's adapters, that is
 * all of it.
 */
import { required } from '../../../core/assert.ts';
import { type ParameterSpec, isAdapter, isTrained } from '../../models/parameters.ts';
import type { MemoryFor, TensorData } from './weights.ts';

/**
 * The reference's weights: in the policy's memory where the policy's are frozen and the same bit for bit, else in their
 * own, since training changes a policy's memory.
 */
export function sharingFrozen(
  reference: TensorData,
  { specs, weights }: { readonly specs: readonly ParameterSpec[]; readonly weights: TensorData },
  memoryFor: MemoryFor,
): TensorData {
  const own = specs.filter((spec) => !isAdapter(spec));
  return new Map(
    own.map((spec) => {
      const values = required(reference.get(spec.name), spec.name);
      const current = required(weights.get(spec.name), spec.name);
      if (!isTrained(spec)) return [spec.name, isSame(values, current) ? current : values];
      if (values !== current) return [spec.name, values];
      const copy = memoryFor(spec);
      copy.set(values);
      return [spec.name, copy];
    }),
  );
}

const isSame = (a: Float32Array, b: Float32Array): boolean => bytesOf(a).equals(bytesOf(b));

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
