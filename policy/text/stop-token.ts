/** The tokens that end a completion. */
import { join } from 'node:path';
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';
import { checkFields, readJsonFile } from '../checkpoint-file.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Reads generation_config.json, as `generate` does, else the tokenizer's end token. The first is the tokenizer's if it is
 * among them. Throws CHECKPOINT_INVALID.
 */
export async function readStopTokenIds(folder: string, tokenizer: Tokenizer): Promise<readonly [number, ...number[]]> {
  const where = join(folder, 'generation_config.json');
  const schema = z.looseObject({ eos_token_id: z.union([z.int(), z.array(z.int()).min(1)]).nullish() });
  const { eos_token_id: found } = checkFields(
    schema,
    (await readJsonFile(folder, 'generation_config.json')) ?? {},
    where,
  );
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
