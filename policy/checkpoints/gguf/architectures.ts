/** The architectures of GGUF files that can be opened, by `general.architecture`. */
import { MtrlError } from '../../../core/errors.ts';
import type { GgufMetadata } from './metadata.ts';

export interface GgufArchitecture {
  /** Prefix of its keys in the metadata, and `model_type` of config.json. */
  readonly name: string;
  /** In `architectures` of config.json. */
  readonly className: string;
  /**
   * Whether the rows of a head's queries and keys are interleaved: ggml rotates neighbours for this architecture,
   * transformers the two halves of a head.
   */
  readonly interleavesHeads: boolean;
}

const architectures: readonly GgufArchitecture[] = [
  { name: 'llama', className: 'LlamaForCausalLM', interleavesHeads: true },
  { name: 'qwen2', className: 'Qwen2ForCausalLM', interleavesHeads: false },
  { name: 'qwen3', className: 'Qwen3ForCausalLM', interleavesHeads: false },
];

/** @throws CHECKPOINT_UNSUPPORTED for another architecture, CHECKPOINT_INVALID if the file names none */
export function architectureOf(metadata: GgufMetadata): GgufArchitecture {
  const key = 'general.architecture';
  const name = metadata.required(key, metadata.text(key));
  const found = architectures.find((architecture) => architecture.name === name);
  if (found !== undefined) return found;
  throw new MtrlError('CHECKPOINT_UNSUPPORTED', 'the GGUF file is of an architecture that cannot be opened', {
    where: metadata.where,
    found: name,
    hint: `use a file of ${architectures.map((architecture) => architecture.name).join(', ')}`,
  });
}
