/** Reads the JSON files of a Hugging Face folder, with errors that name the file and the field. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { MtrlError } from '../core/errors.ts';
import { refuseLfsPointer } from '../core/lfs-pointer.ts';

export async function readTextFile(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new MtrlError('CHECKPOINT_INVALID', `${name} cannot be read`, { where: join(folder, name), cause: error });
  }
}

/** Reads a JSON file; undefined if it does not exist. Throws CHECKPOINT_INVALID if it is not JSON. */
export async function readJsonFile(folder: string, name: string): Promise<unknown> {
  const text = await readTextFile(folder, name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    refuseLfsPointer(text, name, join(folder, name));
    throw new MtrlError('CHECKPOINT_INVALID', `${name} is not JSON`, {
      where: join(folder, name),
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}

/** Like `readJsonFile`, but throws CHECKPOINT_INVALID if the file does not exist. */
export async function requireJsonFile(folder: string, name: string): Promise<unknown> {
  const value = await readJsonFile(folder, name);
  if (value !== undefined) return value;
  throw new MtrlError('CHECKPOINT_INVALID', `${name} is missing`, {
    where: join(folder, name),
    hint:
      name === 'tokenizer.json' && existsSync(join(folder, 'tokenizer.model'))
        ? 'the folder has tokenizer.model only: AutoTokenizer.from_pretrained(folder).save_pretrained(folder) of transformers writes tokenizer.json'
        : 'a checkpoint is a folder in Hugging Face layout with its tokenizer and processor files',
  });
}

/** Parses the value with the schema. Throws CHECKPOINT_INVALID naming the first invalid field. */
export function checkFields<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new MtrlError('CHECKPOINT_INVALID', `field ${field === '' ? '(whole file)' : field} is invalid`, {
    where,
    found: issue?.message ?? 'unknown',
  });
}
