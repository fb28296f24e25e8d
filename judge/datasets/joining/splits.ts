/**
 * Splits by seed. Examples that share a group key or an image stay together, whatever their tasks; each label of each
 * task has about its share in every split (greedy, as scikit-learn's StratifiedGroupKFold).
 */
import { required } from '../../../core/assert.ts';
import { Rng } from '../../../core/rng.ts';
import type { MadeSplit, SplitSpec } from '../../../recipes/fields/dataset-options.ts';
import type { Split } from '../../example.ts';
import { DisjointSets } from './disjoint-sets.ts';
import type { RowFacts } from '../rows/row-facts.ts';
import { rankOf, type SplitColumn } from '../rows/split-column.ts';

const splitNames: readonly Split[] = ['train', 'val', 'test'];

/** The splits that a dataset's examples are in: the given one, or those with a share above 0. */
export function splitsOf(split: SplitSpec): readonly Split[] {
  return typeof split === 'string' ? [split] : splitNames.filter((name) => split[name] > 0);
}

/** Assigns splits to these rows (ascending), group by group. */
export function makeSplits(facts: RowFacts, rows: Uint32Array, shares: MadeSplit, splits: SplitColumn): void {
  const groups = groupsOf(facts, rows);
  new Rng('splits', shares.seed).shuffle(groups.order);
  // Large groups first, so that small ones can even out the rest. The sort is stable, so ties stay shuffled.
  groups.order.sort((a, b) => groups.sizeOf(b) - groups.sizeOf(a));
  const counter = new StratumCounter(facts, rows, shares);
  for (const group of groups.order) {
    const members = groups.membersOf(group);
    const rank = rankOf(counter.place(members));
    for (const row of members) splits.setRank(row, rank);
  }
}

interface RowGroups {
  /** Groups in order of first appearance. */
  readonly order: Uint32Array;
  sizeOf(group: number): number;
  /** Rows, ascending. */
  membersOf(group: number): Uint32Array;
}

function groupsOf(facts: RowFacts, rows: Uint32Array): RowGroups {
  const sets = new DisjointSets(rows.length);
  const placeOf = new Int32Array(facts.rowCount).fill(-1);
  rows.forEach((row, place) => {
    placeOf[row] = place;
  });
  for (const column of [required(facts.groups, 'group keys'), facts.images]) {
    const firstWith = new Int32Array(column.keyCount).fill(-1);
    column.each((row, key) => {
      const place = placeOf[row] ?? -1;
      if (place < 0) return;
      const first = firstWith[key] ?? -1;
      if (first < 0) firstWith[key] = place;
      else sets.join(place, first);
    });
  }
  return membersOfSets(sets, rows);
}

/** A group is identified by its smallest member; `starts` is the offset of each group's rows in `members`. */
function membersOfSets(sets: DisjointSets, rows: Uint32Array): RowGroups {
  const sizes = new Uint32Array(rows.length);
  for (let place = 0; place < rows.length; place++) {
    const root = sets.rootOf(place);
    sizes[root] = (sizes[root] ?? 0) + 1;
  }
  const starts = new Uint32Array(rows.length);
  for (let place = 1; place < rows.length; place++) starts[place] = (starts[place - 1] ?? 0) + (sizes[place - 1] ?? 0);
  const next = starts.slice();
  const members = new Uint32Array(rows.length);
  rows.forEach((row, place) => {
    const root = sets.rootOf(place);
    const at = next[root] ?? 0;
    members[at] = row;
    next[root] = at + 1;
  });
  const sizeOf = (group: number): number => sizes[group] ?? 0;
  return {
    order: Uint32Array.from(sizes.keys()).filter((group) => sizeOf(group) > 0),
    sizeOf,
    membersOf: (group) => members.subarray(starts[group] ?? 0, (starts[group] ?? 0) + sizeOf(group)),
  };
}

/** Actual and wanted numbers of examples by split, task and label. */
class StratumCounter {
  readonly #facts: RowFacts;
  readonly #shares: MadeSplit;
  readonly #names: readonly Split[];
  readonly #totals = new Map<string, number>();
  readonly #placed = new Map<string, number>();

  constructor(facts: RowFacts, rows: Uint32Array, shares: MadeSplit) {
    this.#facts = facts;
    this.#shares = shares;
    this.#names = splitsOf(shares);
    for (const row of rows) add(this.#totals, this.#stratumOf(row), 1);
  }

  /** Chooses the split that the group brings nearest to its shares, and counts the group there. */
  place(rows: Uint32Array): Split {
    const counts = new Map<string, number>();
    for (const row of rows) add(counts, this.#stratumOf(row), 1);
    const gains = this.#names.map((split) => this.#gain(split, counts));
    const split = required(this.#names[gains.indexOf(Math.max(...gains))], 'a split with a share');
    for (const [stratum, count] of counts) add(this.#placed, `${split}/${stratum}`, count);
    return split;
  }

  #stratumOf(row: number): string {
    const { task, label } = this.#facts.kindOf(row);
    return `${task}/${label}`;
  }

  /** Reduction in the squared deviation from the split's wanted counts, relative to these counts. */
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
