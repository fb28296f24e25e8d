/** adapter_config.json of PEFT: LoRA alone; a setting that changes what the adapter computes is refused by name. */
import { join } from 'node:path';
import { z } from 'zod';
import { MtrlError } from '../../../core/errors.ts';
import { requireJsonFile } from '../../checkpoint-file.ts';

const off = z.union([z.literal(false), z.null()]).default(false);
const none = z.union([z.null(), z.tuple([]), z.strictObject({})]).default(null);

const schema = z.looseObject({
  peft_type: z.literal('LORA'),
  base_model_name_or_path: z.string().nullable().default(null),
  /** Of a base on the Hub. */
  revision: z.string().nullable().default(null),
  r: z.int().min(1),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().default(false),
  bias: z.literal('none').default('none'),
  fan_in_fan_out: off,
  use_dora: off,
  lora_bias: off,
  modules_to_save: none,
  rank_pattern: none,
  alpha_pattern: none,
  layer_replication: none,
  trainable_token_indices: none,
});
export type AdapterConfig = z.infer<typeof schema>;

/** @throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED naming the field */
export async function readAdapterConfig(folder: string): Promise<AdapterConfig> {
  const where = join(folder, 'adapter_config.json');
  const parsed = schema.safeParse(await requireJsonFile(folder, 'adapter_config.json'));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new MtrlError(
    'CHECKPOINT_UNSUPPORTED',
    `adapter_config.json: ${issue?.path.join('.') ?? ''} is not supported`,
    {
      where,
      found: issue?.message ?? 'unknown',
      hint: 'merge the adapter with merge_and_unload of PEFT and use the folder that save_pretrained writes',
    },
  );
}
