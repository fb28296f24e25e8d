/** The tokens that end a completion. */
import { join } from 'node:path';
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';
import { checkFields, readJsonFile } from '../checkpoint-file.ts';
import type { Tokenizer } from './tokenizer.ts';

const idsSchema = z.union([z.int(), z.array(z.int()).min(1)]).nullish();

/** Where a checkpoint may name them, in the order of `generate`: of a model that sees pictures also in `text_config`. */
const files = {
  'generation_config.json': z.looseObject({ eos_token_id: idsSchema }),
  'config.json': z.looseObject({
    eos_token_id: idsSchema,
    text_config: z.looseObject({ eos_token_id: idsSchema }).nullish(),
  }),
};

/**
 * Reads generation_config.json, else config.json, as `generate` does, else the tokenizer's end token. The first is the
 * tokenizer's if it is among them. Throws CHECKPOINT_INVALID.
 */
export async function readStopTokenIds(folder: string, tokenizer: Tokenizer): Promise<readonly [number, ...number[]]> {
  const where = join(folder, 'generation_config.json');
  const generation = await fieldsOf(folder, 'generation_config.json');
  const config = await fieldsOf(folder, 'config.json');
  const found = generation.eos_token_id ?? config.eos_token_id ?? config.text_config?.eos_token_id;
  const own = tokenizer.specialId('eos_token');
  const named = [found ?? own ?? []].flat();
  const known = named.filter((id) => tokenizer.tokenOf(id) !== undefined);
  const [first, ...others] = new Set(own !== undefined && known.includes(own) ? [own, ...known] : known);
  if (first !== undefined) return [first, ...others];
  throw new MtrlError('CHECKPOINT_INVALID', 'field eos_token_id is not the id of a token', {
    where,
    found: named.length === 0 ? 'none' : named.join(', '),
  });
}

async function fieldsOf<Name extends keyof typeof files>(
  folder: string,
  name: Name,
): Promise<z.infer<(typeof files)[Name]>> {
  const fields: unknown = checkFields(
    files[name] as z.ZodType,
    (await readJsonFile(folder, name)) ?? {},
    join(folder, name),
  );
  return fields as z.infer<(typeof files)[Name]>;
}
