/** Supervised updates: several steps, each with the cross-entropy of its examples' targets as the loss. */
import pMap from 'p-map';
import { required } from '../../../core/assert.ts';
import { Rng } from '../../../core/rng.ts';
import { drawnVote } from '../../../judge/vote-counts.ts';
import { sftGroups } from '../../../policy/algorithms/sft.ts';
import { learningRateAt } from '../../../policy/optimizer/schedule.ts';
import type { SftArm } from '../../../recipes/recipe.ts';
import type { PromptedDataset } from '../../asking/prompts/prompter.ts';
import { exampleLookup } from '../../data/dataset-artifact.ts';
import type { SftStep, SftUpdate } from '../../policies/step-record.ts';
import type { ReadyStep } from '../apply-update.ts';
import { drawSeed } from '../draw-seed.ts';
import { commonOf, encodingCountMax } from './common.ts';
import type { Updates } from './updates.ts';

/** Supervised training uses unscaled log-probs. */
const temperature = 1;
const loss = { name: 'cross_entropy' } as const;

export const sftUpdates: Updates<SftArm, SftUpdate> = {
  loss: () => loss,
  usesReference: () => false,

  async plan(recipe, arm, input, planned) {
    const steps: SftStep[] = [];
    const seed = drawSeed(input);
    for (let step = input.fromStep; step < input.toStep; step++) {
      const direct = new Rng('direct-share', seed, step);
      const learningRate = learningRateAt(arm.optimizer, step, input.stepCount ?? arm.stepCount);
      const examples = Array.from(await planned(step), (row) => {
        const mode = direct.chance(arm.directShare) ? 'direct' : arm.mode;
        return [row, mode] as const;
      });
      steps.push({ step, learningRate, examples });
    }
    return { objective: 'sft', ...commonOf(recipe, arm, input), ...(arm.softLabels && { softLabelSeed: seed }), steps };
  },

  /** The first step is ready when this returns; each later one is prepared while the engine runs the one before. */
  async ready(_cache, prompted, update) {
    const [first, ...rest] = update.steps;
    const ready = (step: SftStep) => readyStep(prompted, step, update);
    return oneAhead(await ready(required(first, 'a step')), rest, ready);
  },

  inputs({ dataset, ...config }) {
    return { inputs: { dataset }, config };
  },

  firstSteps: (update, toStep) => ({ ...update, steps: update.steps.filter(({ step }) => step < toStep) }),
};

async function* oneAhead<T, U>(first: U, rest: readonly T[], make: (item: T) => Promise<U>): AsyncIterable<U> {
  let current = first;
  for (const item of rest) {
    const next = make(item);
    // Prevents an unhandled rejection if the consumer stops here.
    next.catch(() => undefined);
    yield current;
    current = await next;
  }
  yield current;
}

async function readyStep(
  prompted: PromptedDataset,
  { step, learningRate, examples }: SftStep,
  { augmentation, softLabelSeed }: Pick<SftUpdate, 'augmentation' | 'softLabelSeed'>,
): Promise<ReadyStep> {
  const exampleAt = await exampleLookup(
    prompted.dataset,
    examples.map(([row]) => row),
  );
  const shown = examples.map(([row, mode], place) => {
    const example = exampleAt(row);
    const { votes = [], label } = example;
    if (softLabelSeed === undefined || mode === 'think') return { example, mode };
    const drawn = drawnVote(votes, new Rng('soft-label', softLabelSeed, step, place));
    return { example: { ...example, label: drawn ?? label }, mode };
  });
  const prompts = await pMap(shown, ({ example, mode }) => prompted.encode(example, mode, { augmentation, step }), {
    concurrency: encodingCountMax,
  });
  const groups = sftGroups(
    prompts,
    shown.map(({ example, mode }) => prompted.target(example, mode)),
  );
  return { step, learningRate, groups, droppedGroupCount: 0, loss, temperature };
}
