/**
 * Kind ranking: an order of several candidates, whose number may differ by row. A verdict names positions, so every example
 * is evaluated in its own order and reversed. What counts classes counts the first place.
 */
import { z } from 'zod';
import { candidateNumbers } from './candidate-numbers.ts';
import type { Fields, Kind, Labels } from './kind.ts';
import { isRankingOf, placesIn, rankingLabel, readRanking } from './ranking-label.ts';

const rewardFields = {
  ranking: z
    .enum(['pairs', 'exact'])
    .default('pairs')
    .describe('Ranking tasks. pairs: share of the pairs that are in the right order. exact: 1 or 0.'),
};

export const ranking = {
  meaning: 'several candidates, in which order, best first (`B > A > C`); always evaluated in both directions.',
  labelsMeaning: 'one label for each place, without `>`, as many as the row with the most candidates needs.',
  fields: {},
  rewardFields,
  candidateCount: { min: 2 },
  orders(candidateCount) {
    const own = Array.from({ length: candidateCount }, (_, place) => place);
    return [own, [...own].reverse()];
  },
  labelsArePlaces: true,
  verdictLabels: (labels, candidateCount) => labels.slice(0, candidateCount) as unknown as Labels,
  isLabel: (label, { labels }) => isRankingOf(placesIn(label), labels),
  sampleLabels: ({ labels }) => [rankingLabel(labels), rankingLabel([...labels].reverse())],
  classOf: (label) => placesIn(label)[0] ?? label,
  labelsProblem: (labels) => (labels.some((label) => label.includes('>')) ? 'labels without `>`' : undefined),
  takesTwoLabelFields: true,
  labelOf(row, { field }, { labels }) {
    if (typeof field === 'string') {
      const places = readRanking(row.text(field)) ?? lettersOf(row.text(field), labels);
      const isKnown = places?.every((place, i) => labels.includes(place) && places.indexOf(place) === i) === true;
      if (isKnown) return { label: rankingLabel(places) };
      return { unknown: `${field} is ${row.text(field).slice(0, 50)}, not an order of ${labels.join(', ')}` };
    }
    if ('criteria' in field) return { unknown: 'criteria are no ranking' };
    const { values, names } = candidateNumbers(row, field);
    const places = values.map((_, place) => place).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
    const tied = places.findIndex((place, i) => i > 0 && values[place] === values[places[i - 1] ?? -1]);
    if (tied > 0) {
      const equal = [places[tied - 1], places[tied]].map((place) => names[place ?? -1]);
      return { unknown: `${equal.join(' and ')} are equal` };
    }
    const named = places.flatMap((place) => labels[place] ?? []);
    if (named.length < places.length) return { unknown: `${places.length} candidates for ${labels.length} labels` };
    return { label: rankingLabel(named) };
  },
  verdictReader({ labels }) {
    return (text) => {
      const places = readRanking(text);
      if (places === undefined || !isRankingOf(places, labels)) return 'verdict-not-a-label';
      return { verdict: rankingLabel(places) };
    };
  },
  closeness(judgment, example, _task, reward) {
    return reward.ranking === 'pairs' ? pairsInOrder(placesIn(judgment.verdict), placesIn(example.label)) : undefined;
  },
  metrics: ['label', 'order', 'ranking'],
  gateMetrics: ['balancedAccuracy', 'cohenKappa', 'consistencyRate', 'pairAccuracy'],
  words: { examples: 'rankings', orders: 'both directions' },
} as const satisfies Kind<Fields, typeof rewardFields>;

/** A ranking as some label sets write it, `CDAB`, if each label is one character. */
function lettersOf(text: string, labels: Labels): string[] | undefined {
  const letters = [...text.trim()];
  return letters.length >= 2 && labels.every((label) => [...label].length === 1) ? letters : undefined;
}

/** Share of the pairs of places that two rankings of the same places order alike, in [0, 1]. */
export function pairsInOrder(said: readonly string[], right: readonly string[]): number {
  let [alike, count] = [0, 0];
  for (const [i, better] of right.entries()) {
    for (const worse of right.slice(i + 1)) {
      count++;
      if (said.indexOf(better) < said.indexOf(worse)) alike++;
    }
  }
  return alike / count;
}
