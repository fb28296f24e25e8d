/** Runs verbs that need no stack in this process, and `mtrl init` and ingests the recipe that it wrote, without a stack. */
import { vi } from 'vitest';
import { programFor } from '../../cli/program.ts';
import type { guessDocument, tableDocument } from '../../cli/show/inspection-document.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { loadRecipeFile } from '../../recipes/load.ts';

type Table = ReturnType<typeof tableDocument>;

export interface InitDocument {
  readonly recipe: string;
  readonly adapters?: readonly string[];
  readonly tables: readonly (Table & {
    readonly task?: ReturnType<typeof guessDocument> & { readonly name: string };
  })[];
}

interface Written {
  readonly stdout: string;
  readonly stderr: string;
}

export function runInit(args: readonly string[]): Promise<Written> {
  return runVerb(['init', ...args]);
}

/** What the verb wrote to stdout and stderr. */
export async function runVerb(args: readonly string[]): Promise<Written> {
  const written = { stdout: '', stderr: '' };
  const capture = (name: keyof typeof written) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    });
  const spies = [capture('stdout'), capture('stderr')];
  try {
    const program = await programFor(args);
    await program.parseAsync([...args], { from: 'user' });
    return written;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

export async function initJson(args: readonly string[]): Promise<InitDocument> {
  const { stdout } = await runInit([...args, '--json']);
  return JSON.parse(stdout) as InitDocument;
}

/** The recipe's datasets as `mtrl ingest` joins them. */
export async function ingestRecipe(recipe: string) {
  const { parsed } = loadRecipeFile(recipe, []);
  return { parsed, ...(await ingestDatasets(parsed, { image: () => undefined })) };
}
