/** The token that ends a completion. */
import { join } from 'node:path';
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';
import { checkFields, readJsonFile } from '../checkpoint-file.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Reads generation_config.json, as `generate` does, else the tokenizer's end token. Throws CHECKPOINT_INVALID. */
export async function readStopTokenId(folder: string, tokenizer: Tokenizer): Promise<number> {
  const where = join(folder, 'generation_config.json');
  const schema = z.looseObject({ eos_token_id: z.union([z.int(), z.array(z.int()).min(1)]).nullish() });
  const { eos_token_id: found } = checkFields(
    schema,
    (await readJsonFile(folder, 'generation_config.json')) ?? {},
    where,
  );
  const own = tokenizer.specialId('eos_token');
  const id = Array.isArray(found) ? (own !== undefined && found.includes(own) ? own : found[0]) : (found ?? own);
  if (id !== undefined && tokenizer.tokenOf(id) !== undefined) return id;
  throw new MtrlError('CHECKPOINT_INVALID', 'field eos_token_id is not the id of a token', {
    where,
    found: String(id),
  });
}
