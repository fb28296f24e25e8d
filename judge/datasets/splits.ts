/**
 * Splits made by seed. Examples that share a group key or an image, of whatever tasks, stay together; each label of each
 * task has about its share in every split (greedy, as scikit-learn's StratifiedGroupKFold).
 */
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { MadeSplit, SplitSpec } from '../../recipes/dataset-options.ts';
import type { Example, Split } from '../example.ts';
import { DisjointSets } from './disjoint-sets.ts';

const splitNames: readonly Split[] = ['train', 'val', 'test'];

/** The splits that a dataset's examples are in: the one given, or those with a share. */
export function splitsOf(split: SplitSpec): readonly Split[] {
  return typeof split === 'string' ? [split] : splitNames.filter((name) => split[name] > 0);
}

/** The same examples, in order, with the splits that their groups have drawn. */
export function makeSplits(examples: readonly Example[], shares: MadeSplit): Example[] {
  const groups = groupsOf(examples);
  new Rng('splits', shares.seed).shuffle(groups);
  // Large groups first: small ones can still even out what they leave. The sort is stable, so ties stay shuffled.
  groups.sort((a, b) => b.length - a.length);
  const counter = new StratumCounter(examples, shares);
  const made: Example[] = [...examples];
  for (const group of groups) {
    const split = counter.place(group.map((index) => required(examples[index], 'an example')));
    for (const index of group) made[index] = { ...required(examples[index], 'an example'), split };
  }
  return made;
}

/** Indices of the examples, group by group, in the order in which groups first come. */
function groupsOf(examples: readonly Example[]): number[][] {
  const sets = new DisjointSets(examples.length);
  const seen = new Map<string, number>();
  examples.forEach(({ groupKey, images }, index) => {
    for (const key of [`group ${groupKey}`, ...images.map((digest) => `image ${digest}`)]) {
      const other = seen.get(key);
      if (other === undefined) seen.set(key, index);
      else sets.join(index, other);
    }
  });
  return sets.groups();
}

const stratumOf = ({ task, label }: Example): string => `${task}/${label}`;

/** How many examples of each task and label each split has, and should have. */
class StratumCounter {
  readonly #shares: MadeSplit;
  readonly #names: readonly Split[];
  readonly #totals = new Map<string, number>();
  readonly #placed = new Map<string, number>();

  constructor(examples: readonly Example[], shares: MadeSplit) {
    this.#shares = shares;
    this.#names = splitsOf(shares);
    for (const example of examples) add(this.#totals, stratumOf(example), 1);
  }

  /** The split that the group brings nearest to its shares; counts the group there. */
  place(group: readonly Example[]): Split {
    const counts = new Map<string, number>();
    for (const example of group) add(counts, stratumOf(example), 1);
    const gains = this.#names.map((split) => this.#gain(split, counts));
    const split = required(this.#names[gains.indexOf(Math.max(...gains))], 'a split with a share');
    for (const [stratum, count] of counts) add(this.#placed, `${split}/${stratum}`, count);
    return split;
  }

  /** By how much the relative deviations from the split's shares, squared, would fall. */
  #gain(split: Split, counts: ReadonlyMap<string, number>): number {
    let gain = 0;
    for (const [stratum, count] of counts) {
      const wanted = this.#shares[split] * required(this.#totals.get(stratum), 'a counted stratum');
      const missing = wanted - (this.#placed.get(`${split}/${stratum}`) ?? 0);
      gain += (missing ** 2 - (missing - count) ** 2) / wanted;
    }
    return gain;
  }
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}
