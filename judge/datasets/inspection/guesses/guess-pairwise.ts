/** Kind pairwise: two columns of pictures or texts, and which of them is better. */
import { valueAt } from '../../rows/jsonl-row.ts';
import { candidateColumns, type CandidateColumns } from './candidate-columns.ts';
import { type PlaceReading, placesOfValues } from './place-values.ts';
import type { Siblings } from './sibling-columns.ts';
import type { Guesser, Seen, TaskGuess } from './task-guess.ts';
import { valueCounts } from '../facts/value-counts.ts';

type Decision = Pick<TaskGuess, 'labels' | 'label' | 'asked' | 'notes' | 'used'> & Partial<Pick<TaskGuess, 'labelMap'>>;

const randomized =
  'The order of the two is drawn by seed, so that no place is right more often: many sets list the better one first.';

export const guessPairwise: Guesser = (seen, label) => {
  for (const found of candidateColumns(seen, (count) => count === 2)) {
    const decision = decisionOf(seen, found, label);
    if (decision === undefined) continue;
    const { used, notes, ...rest } = decision;
    return {
      kind: 'pairwise',
      ...rest,
      ...found.fields,
      randomOrderSeed: 0,
      used: [...found.used, ...used],
      notes: [...notes, ...found.notes, randomized],
    };
  }
  return undefined;
};

function decisionOf(seen: Seen, found: CandidateColumns, label: string | undefined): Decision | undefined {
  const byLabel = labelledPlaces(seen, found, label);
  if (label !== undefined) return byLabel ?? comparedNumbers(seen, found, label);
  if (found.siblings.isRanked) {
    const [better = '', worse = ''] = found.siblings.names;
    const notes = [`\`${better}\` is better than \`${worse}\` in every row, as their names say.`];
    return { labels: ['first', 'second'], label: { always: 'first' }, asked: 'better', notes, used: [] };
  }
  return byLabel ?? comparedNumbers(seen, found, undefined);
}

/** A column whose values are places: `0` and `1`, `left`, `model_b`, `tie`. */
function labelledPlaces(seen: Seen, { siblings, used }: CandidateColumns, label?: string): Decision | undefined {
  for (const { column, weight } of seen.labels) {
    if (label === undefined ? weight < 80 : column.name !== label) continue;
    if (column.values === undefined || used.includes(column.name) || isOneOfTwo(seen, siblings, column.name)) continue;
    const values = [...column.values.keys()];
    const reading = placesOfValues(values, 2, siblings.marks, siblings.names);
    if (reading === undefined) continue;
    const counts = valueCounts(column);
    const notes = [`\`${column.name}\` says which is better (${counts}).`];
    if (reading.assumed !== undefined) notes.push(`In \`${column.name}\` ${reading.assumed}: check it.`);
    return { ...labelsOf(reading), label: column.name, asked: column.name, notes, used: [column.name] };
  }
  return undefined;
}

/** Whether a column belongs to one of the two: `label_0` says how good the first is, not which is better. */
function isOneOfTwo({ siblings }: Seen, { marks }: Siblings, name: string): boolean {
  return siblings.some((group) => group.names.includes(name) && group.marks.join() === marks.join());
}

function labelsOf({ placeOf }: PlaceReading): Pick<TaskGuess, 'labels' | 'labelMap'> {
  const places = new Set(placeOf.values());
  const ties = places.has('both-bad') ? ['both-good', 'both-bad'] : places.has('tie') ? ['tie'] : [];
  const nameOf = (place: string | number): string =>
    typeof place === 'number' ? (['first', 'second'][place] ?? '') : place === 'tie' ? (ties[0] ?? '') : place;
  const labelMap = Object.fromEntries([...placeOf].map(([value, place]) => [value, nameOf(place)]));
  const isSame = Object.entries(labelMap).every(([value, name]) => value === name);
  return { labels: ['first', 'second', ...ties], ...(!isSame && { labelMap }) };
}

const scores = [
  /label/i,
  /overall/i,
  /preference|vote/i,
  /score|rating|reward/i,
  /mean|avg/i,
  /rank|place|position/i,
  /share/i,
];

/** A number for each of the two, in columns with the same marks: the greater wins, or the lesser rank. */
function comparedNumbers(seen: Seen, { siblings, used }: CandidateColumns, label?: string): Decision | undefined {
  const columnOf = new Map(seen.facts.columns.map((column) => [column.name, column]));
  const found = seen.siblings
    .filter(
      ({ names, marks }) =>
        names.length === 2 && marks.join() === siblings.marks.join() && !used.includes(names[0] ?? ''),
    )
    .filter(({ names }) => names.every((name) => columnOf.get(name)?.shape === 'number' && !name.includes('.')))
    .filter(({ names }) => label === undefined || names.includes(label))
    .map((group) => ({ group, rank: scores.findIndex((pattern) => pattern.test(group.pattern)) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank);
  for (const { group } of found) {
    const [first = '', second = ''] = group.names;
    const tieCount = seen.facts.sample.filter(
      (row) => Number(valueAt(row, first)) === Number(valueAt(row, second)),
    ).length;
    if (tieCount > seen.facts.sample.length / 2) continue;
    const isRank = /rank|place|position/i.test(group.pattern);
    const fields: [string, string] = [first, second];
    const notes = [`The one with the ${isRank ? 'lesser' : 'greater'} of \`${first}\` and \`${second}\` is better.`];
    if (tieCount > 0)
      notes.push(`They are equal in ${tieCount} of ${seen.facts.sample.length} sampled rows, which are ties.`);
    return {
      labels: tieCount > 0 ? ['first', 'second', 'tie'] : ['first', 'second'],
      label: isRank ? { lesserOf: fields } : { greaterOf: fields },
      ...{ asked: 'better', notes, used: group.names },
    };
  }
  return undefined;
}
