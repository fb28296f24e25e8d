/** The model's own weights with adapters added to their matrices, as a checkpoint has them. */
import type { Tensor as StoredTensor } from '../../../artifacts/codecs/safetensors.ts';
import type { LazyTensor } from '../../../artifacts/codecs/safetensors-file.ts';
import { float32Tensor } from '../../../artifacts/codecs/tensor-values.ts';
import { required } from '../../../core/assert.ts';
import { type ParameterSpec, adapterInName, adapterOutName, isAdapter } from '../../models/parameters.ts';
import { moduleOf } from '../../models/trainable.ts';
import type { TensorData } from './weights.ts';

/** Each sum is computed when it is written, in memory that the next one reuses. */
export function mergedWeights(
  specs: readonly ParameterSpec[],
  weights: TensorData,
): Map<string, StoredTensor | LazyTensor> {
  const adapters = new Map(specs.filter(isAdapter).map((spec) => [spec.name, spec]));
  const tensors: Map<string, StoredTensor | LazyTensor> = new Map();
  let memory = new Float32Array(0);
  for (const { name, shape } of specs.filter((spec) => !isAdapter(spec))) {
    const matrix = required(weights.get(name), name);
    const adapterOut = adapters.get(adapterOutName(moduleOf(name)));
    if (adapterOut === undefined) {
      tensors.set(name, float32Tensor(matrix, shape));
      continue;
    }
    const a = required(weights.get(adapterInName(moduleOf(name))), name);
    const b = required(weights.get(adapterOut.name), name);
    const data = (): Promise<Uint8Array> => {
      if (memory.length < matrix.length) memory = new Float32Array(matrix.length);
      const sum = memory.subarray(0, matrix.length);
      sum.set(matrix);
      addProduct(sum, b, a, adapterOut);
      return Promise.resolve(float32Tensor(sum, shape).data);
    };
    tensors.set(name, { dtype: 'F32', shape, data });
  }
  return tensors;
}

/** sum [out, in] += scale * b [out, rank] a [rank, in] */
function addProduct(sum: Float32Array, b: Float32Array, a: Float32Array, spec: ParameterSpec): void {
  const [out, rank] = spec.shape as [number, number];
  const inner = a.length / rank;
  for (let row = 0; row < out; row++) {
    for (let r = 0; r < rank; r++) {
      const factor = Math.fround((b[row * rank + r] as number) * (spec.adapterScale as number));
      for (let column = 0; column < inner; column++) {
        const at = row * inner + column;
        sum[at] = (sum[at] as number) + factor * (a[r * inner + column] as number);
      }
    }
  }
}
