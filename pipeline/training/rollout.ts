/** Samples a shard of a step's rollouts. The samples depend neither on the sharding nor on retries (core/rng.ts). */
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import type { Example } from '../../judge/example.ts';
import { roundRows } from '../../judge/mixture/mixture.ts';
import type { Prompt, SampledCompletion, SampleRequest } from '../../policy/engine.ts';
import { trainedTasks } from '../../recipes/task-sets.ts';
import type { RolloutInput, RolloutResult } from '../../contract/activities.ts';
import { exampleLookup, openDataset } from '../data/dataset-artifact.ts';
import { durable } from '../durable.ts';
import type { ComputeContext } from '../compute-context.ts';
import { plannedStep } from '../data/mixture-plan.ts';
import type { PromptedDataset } from '../asking/prompts/prompter.ts';
import { promptSeries } from '../asking/prompts/prompt-series.ts';
import { augmentationOf, rlArm, memoryOf, promptingOf, recipeOf, taskOf } from '../recipe-access.ts';
import { shownExample, shownOrders, type ShownOrder } from '../data/shown-example.ts';
import type { PromptRollouts, RolloutShard } from './rollout-artifact.ts';
import { drawSeed } from './draw-seed.ts';
import { drawnFrom, endedBy } from './sampling.ts';
import type { Caller } from '../heartbeat.ts';

export function createRollout(context: ComputeContext) {
  const { cache, states, processors, prompter } = context;
  return async (input: RolloutInput, caller: Caller): Promise<RolloutResult> => {
    const { step, shard, dataset, policy, round = 0 } = input;
    const seed = drawSeed(input);
    const recipe = await recipeOf(cache, input.recipe);
    const arm = rlArm(recipe, input.arm);
    const { mode, groupSize, temperature, tokenCountMax, topK, topP, logProbsOver } = arm;
    const { stopSequences } = recipe;
    const prompting = promptingOf(recipe, trainedTasks(recipe, arm));
    const planned = [...roundRows(await plannedStep(cache, input.plan, step), round)];
    const exampleAt = await exampleLookup(await openDataset(cache, dataset), planned);
    const all = shownOrders(planned, exampleAt, (task) => taskOf(recipe, task), arm);
    const overKept = logProbsOver === 'kept' && { overKept: true };
    const sampling = { temperature, tokenCountMax, ...drawnFrom(topK, topP), ...overKept };
    const settings = { mode, groupSize, ...sampling, stopSequences, seed, step, round, shard };
    // A memory limit splits batches, which changes the last bits of the recorded log-probs.
    const drawn = augmentationOf(arm, seed);
    const config = { ...prompting, ...settings, ...drawn, ...memoryOf(recipe), examples: all };
    const key = { inputs: { snapshot: policy.snapshot, log: policy.log, dataset }, config };

    const { outputs, summary, ...made } = await durable(context.deps, 'rollout', key, () =>
      states.withPolicy(caller, { policy }, async ({ engine, waits }) => {
        const prompted = await waits.for(
          processors.of(policy.snapshot).then((loaded) => prompter.open(loaded, dataset, prompting)),
        );
        // The compute time includes encoding the prompts and decoding the answers.
        const startedAtMs = performance.now();
        const series = await waits.for(
          promptSeries(all, (shown) => {
            const stored = exampleAt(shown.exampleIndex);
            return prompted.encode(shownExample(stored, shown, taskOf(recipe, stored.task)), mode, { ...drawn, step });
          }),
        );
        const [from, to] = boundsOf(all.length, shard);
        const request: SampleRequest = {
          prompts: await waits.for(series.slice(from, to)),
          groupSize,
          sampling: { ...sampling, greedy: false, ...endedBy(recipe, prompted) },
          seed,
          step,
          promptOffset: round * all.length + from,
          ...series.sizes,
          tokens: prompted.tokens,
          ...memoryOf(recipe),
        };
        const { groups } = await engine.sample(request);
        requireFinite(groups, step);
        const artifact = shardOf(input, { prompted, exampleAt }, all.slice(from, to), request.prompts, groups);
        const computeMs = performance.now() - startedAtMs;
        return { outputs: { rollouts: await waits.for(cache.put(artifact)) }, summary: countsOf(groups), computeMs };
      }),
    );
    return { ...made, ...outputs, ...summary };
  };
}

/** Weights that are not finite, or overflow in the graph, give such log-probs. */
function requireFinite(groups: readonly (readonly SampledCompletion[])[], step: number): void {
  const found = groups.flat().flatMap(({ logProbs }) => logProbs.filter((value) => !Number.isFinite(value)));
  if (found.length === 0) return;
  throw new MtrlError('NON_FINITE', `log-probs of the rollouts of step ${String(step)} are not finite`, {
    where: `step ${String(step)}`,
    found: `${String(found.length)} of them, the first ${String(found[0])}`,
    hint: 'lower optimizer.learningRate, and inspect the updates of earlier steps',
  });
}

/** The shard's prompts, as a range [from, to) of the step's prompts. */
function boundsOf(promptCount: number, { index, count }: RolloutInput['shard']): readonly [number, number] {
  return [Math.floor((promptCount * index) / count), Math.floor((promptCount * (index + 1)) / count)];
}

function shardOf(
  { step, shard }: RolloutInput,
  { prompted, exampleAt }: { readonly prompted: PromptedDataset; readonly exampleAt: (row: number) => Example },
  shown: readonly ShownOrder[],
  encoded: readonly Prompt[],
  groups: readonly (readonly SampledCompletion[])[],
): RolloutShard {
  const prompts = groups.map((group, i): PromptRollouts => {
    const order = required(shown[i], 'a prompt of the shard');
    const { id: exampleId, task } = exampleAt(order.exampleIndex);
    const rollouts = group.map((completion) => ({ ...completion, text: prompted.decode(completion.tokenIds) }));
    return { ...order, exampleId, task, promptTokenCount: encoded[i]?.tokenIds.length ?? 0, rollouts };
  });
  return { schema: 1, step, shard, prompts };
}

function countsOf(groups: readonly (readonly SampledCompletion[])[]) {
  const completions = groups.flat();
  const tokenCount = completions.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  const logProbSum = completions.flatMap(({ logProbs }) => logProbs).reduce((sum, logProb) => sum + logProb, 0);
  return { rolloutCount: completions.length, tokenCount, entropyMean: tokenCount === 0 ? 0 : -logProbSum / tokenCount };
}
