/** The metric that a task's benchmark publishes, among the task's scores. */
import { expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { Example } from '../../judge/example.ts';
import { otherOrders, ordersOf } from '../../judge/tasks/reorder.ts';
import { headlineMetrics } from '../../recipes/fields/headline-field.ts';
import { taskSchema } from '../../recipes/fields/task-fields.ts';

const prompt = '{{ candidates[0] }}';

/** Examples with these labels, all of whose orders get these verdicts. */
function scoresOf(fields: object, labels: readonly string[], verdicts: readonly (readonly string[])[]) {
  const spec = taskSchema.parse({ prompt, ...fields });
  const judged = labels.flatMap((label, i): JudgedExample[] => {
    const candidates = spec.labels.slice(0, spec.kind === 'pairwise' ? 2 : undefined).map((text) => [{ text }]);
    const example: Example = {
      ...{ id: String(i), task: 'task', split: 'test', images: [], candidates, fields: {}, label },
      groupKey: String(i),
    };
    const all = spec.kind === 'score' ? [example] : [example, ...otherOrders(example, spec)];
    return all.map((each, k) => ({
      example: each,
      judgment: { ok: true, verdict: required(verdicts[i]?.[k], 'a verdict'), rationale: '' },
      ...(k > 0 && { reordered: { of: example.id, order: required(ordersOf(example, spec)[k], 'an order') } }),
    }));
  });
  return taskScores({ task: 'task', spec, split: 'test', judged, resampleCount: 5, seed: 0 });
}

const pairs = { kind: 'pairwise', labels: ['A', 'B', 'C'] };
// Of three pairs: right in both orders, right in one, and a tie that is taken for a preference.
const labels = ['A', 'B', 'C'];
const verdicts = [
  ['A', 'B'],
  ['B', 'B'],
  ['C', 'A'],
];

test.each([
  ['accuracy', 4 / 6],
  ['accuracyWithoutTies', 3 / 4],
  ['consistentAccuracy', 1 / 3],
])('%s of pairs with ties', (headline, value) => {
  expect(scoresOf({ ...pairs, headline }, labels, verdicts).headline).toMatchObject({ metric: headline, value });
});

test('of a ranking, of a score, and of none', () => {
  const ranking = { kind: 'ranking', labels: ['A', 'B', 'C'], headline: 'kendallTau' };
  const said = [['A > C > B', 'C > B > A']];
  // Two of three pairs in order in one direction, all of them in the other: the mean of 1/3 and 1.
  expect(scoresOf(ranking, ['A > B > C'], said).headline?.value).toBeCloseTo(2 / 3, 12);
  const edited = scoresOf({ ...ranking, headline: 'editDistance' }, ['A > B > C'], said).headline;
  // A > C > B has two replaced places of three; the other direction is right.
  expect(edited).toEqual({ metric: 'editDistance', name: 'edit distance, 0 is best', value: 1 / 3 });
  const score = { kind: 'score', labels: ['1', '2', '3'], headline: 'pearson' };
  expect(scoresOf(score, ['1', '2', '3'], [['1'], ['2'], ['3']]).headline?.value).toBeCloseTo(1, 12);
  // Constant verdicts have no correlation: the name stands without a value.
  const constant = scoresOf(score, ['1', '2', '3'], [['2'], ['2'], ['2']]).headline;
  expect(constant).toEqual({ metric: 'pearson', name: "Pearson's r" });
  expect(scoresOf(pairs, labels, verdicts)).not.toHaveProperty('headline');
});

test('every metric has a name', () => {
  for (const headline of headlineMetrics) {
    const kind = { ...pairs, headline };
    expect(scoresOf(kind, labels, verdicts).headline?.name).toMatch(/\w/);
  }
});
