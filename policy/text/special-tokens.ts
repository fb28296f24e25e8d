/** The named tokens of `tokenizer_config.json`, falling back to `special_tokens_map.json`. */
import { join } from 'node:path';
import { z } from 'zod';
import { checkFields, readJsonFile } from '../checkpoint-file.ts';

/** A token: its text, or in older files an object that contains it. */
const token = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]).nullish();

const namesSchema = z.looseObject({
  pad_token: token,
  bos_token: token,
  eos_token: token,
  unk_token: token,
  image_token: token,
  fake_image_token: token,
  global_image_token: token,
  vision_start_token: token,
  vision_end_token: token,
  video_token: token,
  /** An object of named tokens (transformers 4.50 and later), or a plain list. */
  extra_special_tokens: z.union([z.record(z.string(), token), z.array(token)]).nullish(),
});

const names = [
  'pad_token',
  'bos_token',
  'eos_token',
  'unk_token',
  'image_token',
  'fake_image_token',
  'global_image_token',
  'vision_start_token',
  'vision_end_token',
  'video_token',
] as const;
export type SpecialTokenName = (typeof names)[number];
export type SpecialTokens = Readonly<Partial<Record<SpecialTokenName, string>>>;

/** Texts of the special tokens that the folder names. Throws CHECKPOINT_INVALID. */
export async function readSpecialTokens(folder: string): Promise<SpecialTokens> {
  const files = ['tokenizer_config.json', 'special_tokens_map.json'].map(async (file) =>
    checkFields(namesSchema, (await readJsonFile(folder, file)) ?? {}, join(folder, file)),
  );
  const found: Partial<Record<SpecialTokenName, string>> = {};
  for (const file of await Promise.all(files)) {
    const extra = file.extra_special_tokens;
    for (const name of names) {
      const text = file[name] ?? (extra && !Array.isArray(extra) ? extra[name] : undefined);
      if (typeof text === 'string') found[name] ??= text;
    }
  }
  return found;
}
