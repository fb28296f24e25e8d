/** From an update's refs to steps that an engine can do: prompts encoded, advantages computed. */
import pMap from 'p-map';
import { required } from '../../core/assert.ts';
import type { SampledCompletion, TrainGroup } from '../../policy/engine.ts';
import { grpoGroups } from '../../policy/objectives/grpo.ts';
import { sftGroups } from '../../policy/objectives/sft.ts';
import type { ReadyStep, ReadySteps } from '../training/apply-update.ts';
import { exampleLookup } from './dataset-artifact.ts';
import type { JsonCache } from '../json-cache.ts';
import type { PromptedDataset } from '../asking/prompter.ts';
import { taskOf } from '../recipe-access.ts';
import { shownExample } from './shown-example.ts';
import type { RolloutShard, StepRewards } from '../training/rollout-artifact.ts';
import type { GrpoUpdate, SftStep, SftUpdate, Update } from '../policies/step-record.ts';

/** Prompts that are encoded side by side. */
const encodingCountMax = 8;

/** Log-probs of supervised answers are those of the model as it is. */
const sftTemperature = 1;

export async function readySteps(cache: JsonCache, prompted: PromptedDataset, update: Update): Promise<ReadySteps> {
  const steps =
    update.objective === 'grpo' ? [await grpoStep(cache, prompted, update)] : await sftSteps(prompted, update);
  return { steps, tokens: prompted.tokens };
}

async function grpoStep(cache: JsonCache, prompted: PromptedDataset, update: GrpoUpdate): Promise<ReadyStep> {
  const [rewards, ...shards] = (await Promise.all(
    [update.rewards, ...update.rollouts].map((ref) => cache.get(ref)),
  )) as [StepRewards, ...RolloutShard[]];
  const prompts = shards.flatMap((shard) => shard.prompts);
  const exampleAt = await exampleLookup(
    prompted.dataset,
    prompts.map(({ exampleIndex }) => exampleIndex),
  );
  const encoded = await pMap(
    prompts,
    (prompt) => {
      const stored = exampleAt(prompt.exampleIndex);
      return prompted.encode(shownExample(stored, prompt, taskOf(update.prompting, stored.task)), update.mode);
    },
    { concurrency: encodingCountMax },
  );
  const rollouts: (readonly SampledCompletion[])[] = prompts.map((prompt) => prompt.rollouts);
  const values = prompts.map(({ exampleId }, i) => {
    const graded = required(rewards.prompts[i], `rewards of ${exampleId}`);
    return graded.rollouts.map(({ reward }) => reward.value);
  });
  const { step, learningRate, temperature, clipLow, clipHigh, klCoefficient, logProbToleranceMax } = update;
  const { groups: plain, droppedGroupCount, keptIndices } = grpoGroups(encoded, rollouts, values, klCoefficient > 0);
  const groups = plain.map((group, i) => weighted(group, rewards.prompts[keptIndices[i] ?? -1]?.weight ?? 1));
  const loss = { name: 'ppo', clipLow, clipHigh, klCoefficient } as const;
  return { step, learningRate, groups, droppedGroupCount, loss, temperature, logProbToleranceMax };
}

/** After normalisation within the group, which would take the weight out again. */
function weighted(group: TrainGroup, weight: number): TrainGroup {
  if (weight === 1) return group;
  const completions = group.completions.map((one) => ({ ...one, advantage: (one.advantage ?? 0) * weight }));
  return { ...group, completions };
}

/** The first step is ready when this returns; each later one is made ready while the engine does the one before. */
async function sftSteps(prompted: PromptedDataset, { steps }: SftUpdate): Promise<AsyncIterable<ReadyStep>> {
  const [first, ...rest] = steps;
  return oneAhead(await sftStep(prompted, required(first, 'a step')), rest, (step) => sftStep(prompted, step));
}

async function* oneAhead<T, U>(first: U, rest: readonly T[], make: (item: T) => Promise<U>): AsyncIterable<U> {
  let current = first;
  for (const item of rest) {
    const next = make(item);
    // A consumer that stops here must not leave an unhandled rejection.
    next.catch(() => undefined);
    yield current;
    current = await next;
  }
  yield current;
}

async function sftStep(prompted: PromptedDataset, { step, learningRate, examples }: SftStep): Promise<ReadyStep> {
  const exampleAt = await exampleLookup(
    prompted.dataset,
    examples.map(([row]) => row),
  );
  const shown = examples.map(([row, mode]) => ({ example: exampleAt(row), mode }));
  const prompts = await pMap(shown, ({ example, mode }) => prompted.encode(example, mode), {
    concurrency: encodingCountMax,
  });
  const groups = sftGroups(
    prompts,
    shown.map(({ example, mode }) => prompted.target(example, mode)),
  );
  const loss = { name: 'cross_entropy' } as const;
  return { step, learningRate, groups, droppedGroupCount: 0, loss, temperature: sftTemperature };
}
