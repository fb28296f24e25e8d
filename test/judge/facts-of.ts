/** Row facts of examples that a test defines. */
import { RowFacts } from '../../judge/datasets/rows/row-facts.ts';
import type { PerceptualHash } from '../../judge/datasets/joining/perceptual-hash.ts';
import type { Example } from '../../judge/example.ts';
import type { LeaksSpec, MadeSplit } from '../../recipes/fields/dataset-options.ts';

interface Asked {
  readonly leaks?: LeaksSpec;
  readonly split?: MadeSplit;
  readonly hashes?: readonly (readonly [digest: string, PerceptualHash])[];
}

export function factsOf(
  examples: readonly Example[],
  { leaks = { action: 'report', textFields: [], candidateTexts: true }, split, hashes = [] }: Asked = {},
): RowFacts {
  const dataset = { reader: 'judge-world', tasks: [], exampleCountPerTask: 1, seed: 0 } as const;
  const facts = new RowFacts({
    datasets: split === undefined ? [] : [{ ...dataset, split, rationales: 'none' } as never],
    leaks,
  });
  for (const [digest, hash] of hashes) facts.hashes.set(digest, hash);
  for (const example of examples) facts.add(example, 0);
  return facts;
}
