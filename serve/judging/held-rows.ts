/** Rows of a request as the dataset and the prompts that asking reads, in memory instead of in the store. */
import { required } from '../../core/assert.ts';
import type { AnswerMode, Example } from '../../judge/example.ts';
import type { DeferredPrompt, PixelValues } from '../../policy/engine.ts';
import type { OpenDataset } from '../../pipeline/data/dataset-artifact.ts';
import { promptEncoder } from '../../pipeline/asking/prompts/prompt-encoder.ts';
import type { TokenAsking } from '../../pipeline/asking/token-asker.ts';
import { promptingOf, taskOf } from '../../pipeline/recipe-access.ts';
import type { ServedPolicy } from '../policies/served-policy.ts';

/** An example with the encoded images that its digests name. */
export interface HeldRow {
  readonly example: Example;
  readonly images: ReadonlyMap<string, Uint8Array>;
}

export function heldDataset(rows: readonly HeldRow[]): Pick<OpenDataset, 'rowsOf' | 'examplesAt'> {
  return {
    rowsOf: () => Promise.resolve(Uint32Array.from(rows, (_, i) => i)),
    examplesAt: (wanted) => Promise.resolve(Array.from(wanted, (row) => required(rows[row], 'a row').example)),
  };
}

/** Prompts and pixels are kept as long as the request. */
export function heldPrompts(
  { loaded, recipe }: ServedPolicy,
  task: string,
  images: ReadonlyMap<string, Uint8Array>,
): TokenAsking['prompted'] {
  const { encodeChanged: _, ...encoder } = promptEncoder(loaded, promptingOf(recipe, [task]), (digest) =>
    Promise.resolve(required(images.get(digest), 'an image of the request')),
  );
  const kept = new Map<string, Promise<DeferredPrompt>>();
  const encode = async (example: Example, mode: AnswerMode): Promise<DeferredPrompt> => {
    const prompt = await encoder.encodeAsked({ example, spec: taskOf(recipe, task), isBlank: false }, mode);
    let pixels: Promise<readonly PixelValues[]> | undefined;
    return { ...prompt, pixels: () => (pixels ??= prompt.pixels()) };
  };
  return {
    ...encoder,
    encode: (example, mode) => {
      // Ids alone are ambiguous: a row may have the id of another one with its candidates exchanged.
      const key = JSON.stringify([mode, example]);
      const known = kept.get(key);
      if (known !== undefined) return known;
      const made = encode(example, mode);
      kept.set(key, made);
      return made;
    },
  };
}
