/** Votes of people in published sets, and recipes with votes that cannot work. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { labelledRows } from '../../judge/datasets/labelled-rows.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { scoreJudges } from '../../judge/scoring/score-judges.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import { needSharedData } from '../support/needs.ts';
import { recipeOf, words } from './voted-recipes.ts';

test.each([
  [
    { fields: { images: [] }, votes: {} },
    words,
    'datasets.0.votes: found {"labelBy":"majority","undecided":"quarantine"}; allowed: nothing without fields.votes',
  ],
  [
    { fields: { images: [], votes: 'v', label: 'gold' } },
    words,
    'datasets.0.fields.label: found "gold"; allowed: nothing, because the votes make the label; or votes.labelBy: field',
  ],
  [
    { fields: { images: [], votes: 'v' }, votes: { labelBy: 'mean' } },
    words,
    'datasets.0.votes.labelBy: found "mean"; allowed: mean for score tasks, or with labelThresholds',
  ],
  [
    { fields: { images: [], votes: { counts: 'v' } }, votes: { undecided: 'first' } },
    words,
    'datasets.0.votes.undecided: found "first"; allowed: another value, because counts do not say',
  ],
  [
    { fields: { images: [], votes: 'v' }, votes: { undecided: { label: 'tie' } } },
    words,
    'datasets.0.votes.undecided.label: found "tie"; allowed: a label of shows: yes, no',
  ],
  [
    { fields: { images: ['a', 'b'], votes: 'v' } },
    { ...words, kind: 'ranking' },
    'datasets.0.fields.votes: found "v"; allowed: nothing, because shows is ranking; votes are for pointwise, pairwise, choice, score tasks',
  ],
  [
    { fields: { images: [], votes: 'v' } },
    { ...words, tiesScoreBy: 'id' },
    'tasks.shows.tiesScoreBy: found "id"; allowed: nothing, because the kind is not score',
  ],
])('a recipe that cannot work is refused: %j', (dataset, task, message) => {
  expect(() => recipeOf(dataset, task)).toThrow(message);
});

const shared = needSharedData('nlvr', 'vader');
const dataFolder = shared.found ?? '';

test.skipIf(shared.isMissing)(
  'the raters of NLVR agree with its labels, and one of them is the ceiling of `score`',
  async () => {
    const task = { ...words, prompt: '{{ sentence }} {{ mode_word }}', slices: ['directory'] };
    const path = join(dataFolder, 'nlvr', 'dev.jsonl');
    const fields = { id: 'identifier', images: [], prompt: ['sentence'], votes: 'evals' };
    const recipe = recipeOf(
      { path, fields, labelMap: { true: 'yes', false: 'no' }, votes: { abstentions: ['nonsense'] } },
      task,
    );
    const { rows, quarantined } = await labelledRows(recipe, 'shows', localFiles);
    expect(rows).toHaveLength(989);
    expect(quarantined).toEqual([]);
    const published = recipeOf(
      { path, fields: { ...fields, votes: undefined }, labelMap: { true: 'yes', false: 'no' } },
      task,
    );
    const labels = new Map(
      (await labelledRows(published, 'shows', localFiles)).rows.map(({ id, label }) => [id, label]),
    );
    const verdicts = rows.map(({ id }) => ({
      ...{ rowId: id, order: 0, text: labels.get(id) },
      judgment: { ok: true, verdict: labels.get(id) ?? '', rationale: '' } as const,
    }));
    const spec = recipe.tasks['shows'] as TaskSpec;
    const settings = { resampleCount: 200, seed: 0 };
    const { judges } = scoreJudges('shows', spec, rows, new Map([['published', verdicts]]), settings);
    const { accuracy, humanCeiling, peopleAlpha, slices } = judges[0]?.scores ?? {};
    expect(accuracy).toBeGreaterThan(0.98);
    expect(peopleAlpha?.people).toBeGreaterThan(0.7);
    expect(humanCeiling?.person.accuracy).toBeGreaterThan(0.9);
    expect(humanCeiling?.difference.ci95[0]).toBeGreaterThan(0);
    expect(slices?.[0]?.values.length).toBeGreaterThan(1);
  },
);

test.skipIf(shared.isMissing)('the ten raters of a word make its mean', async () => {
  const spec = { kind: 'score', labels: Array.from({ length: 9 }, (_, i) => String(i - 4)), prompt: '{{ word }}' };
  const path = join(dataFolder, 'vader', 'intensity.test.jsonl');
  const given = { images: [], prompt: ['word'], votes: 'ratings' };
  const voted = recipeOf({ path, fields: given, votes: { labelBy: 'mean' } }, spec);
  const { examples, quarantined } = await ingestDatasets(voted, { image: () => undefined });
  expect(quarantined).toEqual([]);
  const means = recipeOf({ path, fields: { ...given, votes: undefined, label: 'mean' } }, { ...spec, real: true });
  const { rows } = await labelledRows(means, 'shows', localFiles);
  expect(examples.map(({ score = NaN }) => score.toFixed(4))).toEqual(rows.map(({ score = NaN }) => score.toFixed(4)));
});
