import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import type { VoteCount } from '../../judge/example.ts';
import { drawnVote } from '../../judge/vote-counts.ts';
import type { PromptedDataset } from '../../pipeline/asking/prompts/prompter.ts';
import type { JsonCache } from '../../pipeline/json-cache.ts';
import type { SftUpdate } from '../../pipeline/policies/step-record.ts';
import { planUpdate, readySteps } from '../../pipeline/training/updates/table.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { refTo } from '../workflows/made-up-activities.ts';

const votes: readonly VoteCount[] = [
  ['yes', 3],
  [null, 4],
  ['no', 1],
];

describe('a drawn vote', () => {
  it('is drawn in the proportions of the votes, without abstentions', () => {
    const drawn = Array.from({ length: 4000 }, (_, i) => drawnVote(votes, new Rng('test', i)));
    // Three of four; the standard error of the share is .007.
    expect(drawn.filter((vote) => vote === 'yes').length / drawn.length).toBeCloseTo(0.75, 1);
    expect(new Set(drawn)).toEqual(new Set(['yes', 'no']));
  });

  it('is none where nobody took a side', () => {
    expect(drawnVote([[null, 5]], new Rng('test'))).toBeUndefined();
    expect(drawnVote([], new Rng('test'))).toBeUndefined();
  });
});

/** Labels of the targets of two steps: one example with votes, one without, each shown often. */
async function targetsOf(softLabelSeed?: number): Promise<readonly (readonly string[])[]> {
  const labels: string[] = [];
  const prompted = {
    dataset: {
      examplesAt: (rows: readonly number[]) =>
        Promise.resolve(rows.map((row) => ({ id: `e${String(row)}`, label: 'yes', ...(row === 0 && { votes }) }))),
    },
    encode: () => Promise.resolve({ tokenIds: [1], images: [] }),
    target: ({ label }: { label: string }) => {
      labels.push(label);
      return [1];
    },
  } as unknown as PromptedDataset;
  const examples = Array.from({ length: 64 }, (_, place) => [place % 2, 'direct'] as const);
  const steps = [0, 1].map((step) => ({ step, learningRate: 1, examples }));
  const update = { objective: 'sft', steps, ...(softLabelSeed !== undefined && { softLabelSeed }) };
  const ready = await readySteps({} as JsonCache, prompted, update as unknown as SftUpdate);
  const made: string[][] = [];
  for await (const step of ready.steps) {
    expect(step.groups).toHaveLength(64);
    made.push(labels.splice(0, 64));
  }
  return made;
}

describe('targets of soft labels', () => {
  it('differ between places and steps, and are the same for the same seed', async () => {
    const [first = [], second = []] = await targetsOf(7);
    const ofVoted = (labels: readonly string[]) => labels.filter((_, place) => place % 2 === 0);
    expect(new Set(ofVoted(first))).toEqual(new Set(['yes', 'no']));
    expect(ofVoted(second)).not.toEqual(ofVoted(first));
    expect(first.filter((_, place) => place % 2 === 1)).toEqual(Array(32).fill('yes'));
    expect(await targetsOf(7)).toEqual([first, second]);
    expect(await targetsOf(8)).not.toEqual([first, second]);
  });

  it('are labels without the field', async () => {
    expect((await targetsOf()).flat()).toEqual(Array(128).fill('yes'));
  });

  it('are planned by the seed of the run, and leave no trace in other updates', async () => {
    const updateOf = (fields: object) => {
      const optimizer = { learningRate: 1e-3 };
      const sft = { objective: 'sft', mode: 'direct', stepCount: 1, optimizer, ...fields };
      const recipe = parseRecipe({ ...tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 }), arms: { sft } });
      const run = { recipe: refTo('recipe'), dataset: refTo('dataset'), arm: 'sft', seed: 3 };
      const steps = { plan: refTo('plan'), fromStep: 0, toStep: 1, policy: { snapshot: refTo('base'), log: [] } };
      return planUpdate(recipe, { ...run, ...steps }, () => Promise.resolve(Uint32Array.of(0)));
    };
    expect(await updateOf({ softLabels: true })).toMatchObject({ softLabelSeed: 3 });
    expect(Object.keys(await updateOf({}))).not.toContain('softLabelSeed');
    await expect(async () => updateOf({ softLabels: true, mode: 'think' })).rejects.toThrow(/arms\.sft\.softLabels/);
  });
});
