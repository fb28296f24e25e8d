/** A group side by side: the rollouts of one prompt, with their tokens and advantages. */
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import type { Processor } from '../../policy/processor.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { promptsOf } from '../../pipeline/reporting/rollout-rows.ts';
import type { Rollout } from '../../pipeline/training/rollout-artifact.ts';
import { stepAdvantages } from '../../pipeline/training/step-advantages.ts';
import type { GroupView, RolloutView, TokenView } from '../api.ts';
import type { Library } from '../library.ts';
import { exampleView } from './example-view.ts';
import { openExperiment, runOf, updatesOfRun } from './open-experiment.ts';

export interface GroupPlace {
  readonly run: string;
  readonly step: number;
  readonly prompt: number;
}

/** Throws NOT_FOUND. */
export async function groupView(library: Library, experimentId: string, place: GroupPlace): Promise<GroupView> {
  const run = runOf(await openExperiment(library, experimentId), place.run);
  const updates = await updatesOfRun(library, run);
  const update = updates.find(({ step }) => step === place.step);
  if (update === undefined)
    throw noStep(
      place,
      updates.map(({ step }) => step),
    );
  const prompts = await promptsOf(library.cache, update);
  const wanted = prompts[place.prompt];
  if (wanted === undefined) {
    throw new MtrlError('NOT_FOUND', 'the step has no such prompt', {
      where: `${place.run}, step ${String(place.step)}, prompt ${String(place.prompt)}`,
      found: `prompts 0 to ${String(prompts.length - 1)}`,
    });
  }
  const { prompt, graded } = wanted;
  const [stored] = await (await openDataset(library.cache, update.dataset)).examplesAt([prompt.exampleIndex]);
  const advantages = stepAdvantages(update, prompts)?.[place.prompt];
  const { processor } = await library.processors.of(required(run.policy, 'a policy of a run with steps').snapshot);
  const rollouts = prompt.rollouts.map((rollout, k): RolloutView => {
    const { text, finishReason } = rollout;
    const { judgment, reward } = required(graded.rollouts[k], 'a reward for every rollout');
    return { text, tokens: tokensOf(processor, rollout), finishReason, judgment, reward, ...advantages?.[k] };
  });
  return {
    ...{ runName: place.run, step: place.step, prompt: place.prompt, promptCount: prompts.length },
    temperature: update.temperature,
    example: exampleView(required(stored, 'an example'), prompt.exampleIndex, prompt, update.prompting, update.mode),
    rollouts,
  };
}

function noStep({ run, step }: GroupPlace, steps: readonly number[]): MtrlError {
  return new MtrlError('NOT_FOUND', 'no rollouts of this step are stored', {
    where: `${run}, step ${String(step)}`,
    found: steps.length === 0 ? 'the run has none' : `steps ${String(steps[0])} to ${String(steps.at(-1))}`,
    hint: 'steps of a running experiment become readable with the next snapshot',
  });
}

/** Tokens before a token that are decoded with it: some decoders join tokens by their neighbours. */
const contextCount = 4;

function tokensOf(processor: Processor, { tokenIds, logProbs }: Rollout): TokenView[] {
  return tokenIds.map((_, i) => {
    const from = Math.max(0, i - contextCount);
    const before = processor.decodeCompletion(tokenIds.slice(from, i));
    const withIt = processor.decodeCompletion(tokenIds.slice(from, i + 1));
    const text = withIt.startsWith(before)
      ? withIt.slice(before.length)
      : processor.decodeCompletion([tokenIds[i] ?? 0]);
    return { text, logProb: required(logProbs[i], 'a log-prob for every token') };
  });
}
