/** Whether a split by seed leaves every split some examples: tried on those of the sampled rows, by the same rules. */
import type { MadeSplit } from '../../../../recipes/fields/dataset-options.ts';
import type { Example } from '../../../example.ts';
import { makeSplits, splitsOf } from '../../joining/splits.ts';
import { RowFacts } from '../../rows/row-facts.ts';
import { SplitColumn } from '../../rows/split-column.ts';

/** Part of its share that a split must get. */
const partMin = 0.25;

export function isSplitFull(examples: readonly Example[], split: MadeSplit): boolean {
  const facts = new RowFacts({
    datasets: [{ split }],
    leaks: { action: 'report', textFields: [], candidateTexts: false },
  });
  for (const example of examples) facts.add(example, 0);
  const splits = new SplitColumn(facts);
  makeSplits(
    facts,
    Uint32Array.from({ length: facts.rowCount }, (_, row) => row),
    split,
    splits,
  );
  const counts = new Map<string, number>();
  for (let row = 0; row < facts.rowCount; row++) {
    const name = splits.at(row) ?? '';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return splitsOf(split).every(
    (name) => (counts.get(name) ?? 0) >= Math.max(1, partMin * split[name] * facts.rowCount),
  );
}
