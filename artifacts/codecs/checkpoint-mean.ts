/** The mean of several checkpoints' weights. */
import { setImmediate } from 'node:timers/promises';
import { MtrlError } from '../../core/errors.ts';
import type { Dtype } from './safetensors.ts';
import type { LazyTensor, TensorInFile } from './safetensors-file.ts';
import { openSafetensorsFolder } from './safetensors-folder.ts';
import { narrow, readFloat32 } from './tensor-values.ts';

interface MeanTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * Adds one checkpoint after the other, and holds the mean so far, in float32, and one tensor of the next. The order matters
 * in the last bits.
 */
export class CheckpointMean {
  #count = 0;
  #tensors = new Map<string, MeanTensor>();

  /** Adds the weights of a folder in Hugging Face layout. Throws CHECKPOINT_INVALID if its tensors are other ones. */
  async add(folder: string): Promise<void> {
    const tensors = await openSafetensorsFolder(folder, 'model');
    this.#count++;
    if (this.#count > 1) this.#requireSame(tensors, folder);
    for (const [name, tensor] of tensors) {
      const values = readFloat32({ ...tensor, data: await tensor.data() });
      const mean = this.#tensors.get(name)?.values;
      if (mean === undefined) this.#tensors.set(name, { dtype: tensor.dtype, shape: tensor.shape, values });
      else
        for (let i = 0; i < mean.length; i++)
          (mean[i] as number) += ((values[i] as number) - (mean[i] as number)) / this.#count;
      await setImmediate();
    }
  }

  /** The tensors of the mean, in the dtypes of the first checkpoint. */
  tensors(): Map<string, LazyTensor> {
    return new Map(
      [...this.#tensors].map(([name, { dtype, shape, values }]) => {
        const target = dtype === 'F16' || dtype === 'BF16' ? dtype : 'F32';
        return [name, { dtype: target, shape, data: () => Promise.resolve(narrow(values, target).data) }];
      }),
    );
  }

  #requireSame(tensors: ReadonlyMap<string, TensorInFile>, folder: string): void {
    const shapeOf = ({ shape }: Pick<MeanTensor, 'shape'>): string => JSON.stringify(shape);
    const other = [...new Set([...this.#tensors.keys(), ...tensors.keys()])].find((name) => {
      const [mean, next] = [this.#tensors.get(name), tensors.get(name)];
      return mean === undefined || next === undefined || shapeOf(mean) !== shapeOf(next);
    });
    if (other === undefined) return;
    throw new MtrlError('CHECKPOINT_INVALID', 'checkpoints of different models have no mean', {
      where: folder,
      found: `tensor ${other} differs in shape, or only one has it`,
    });
  }
}
