/** What a checkpoint may be named by besides a folder in Hugging Face layout: something of which such a folder is made. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAdapter } from './adapter/open-adapter.ts';
import { openGgufForm } from './gguf/open-gguf-form.ts';

export interface CheckpointForm {
  /** sha256 of the files that the folder is made of, by a name for each: its content is a function of these. */
  readonly digests: () => Promise<Readonly<Record<string, string>>>;
  /** What it is, for the lineage; a function of the files. */
  readonly description: Readonly<Record<string, string | number>>;
  /** Writes config, tokenizer and templates to an empty folder. */
  readonly writeSmallFiles: (folder: string) => Promise<void>;
  /** Writes all files to an empty folder. */
  readonly writeFolder: (folder: string) => Promise<void>;
}

/** Each answers undefined for a path that is not of its form. */
const forms: readonly ((path: string, fetchBase?: FetchBase) => Promise<CheckpointForm | undefined>)[] = [
  openGgufForm,
  openAdapter,
];

/** Brings the base of an adapter from its address on the Hub to a local folder. */
export type FetchBase = (address: string) => Promise<string>;

/**
 * Returns undefined for a folder in Hugging Face layout, which is used as it is.
 * @throws FILE_MISSING, CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED
 */
export async function openForm(path: string, fetchBase?: FetchBase): Promise<CheckpointForm | undefined> {
  for (const open of forms) {
    const form = await open(path, fetchBase);
    if (form !== undefined) return form;
  }
  return undefined;
}

/**
 * Calls `use` with a folder that has the checkpoint's config, tokenizer and templates; weights may be missing.
 * @throws FILE_MISSING, CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED
 */
export async function withSmallFiles<T>(path: string, use: (folder: string) => Promise<T>): Promise<T> {
  const form = await openForm(path);
  if (form === undefined) return use(path);
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-checkpoint-'));
  try {
    await form.writeSmallFiles(folder);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
