/** Judges unlabelled rows (judged-rows.ts) by a policy that an engine holds, with the probabilities of labels. */
import type { Asking } from './answers.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { UsedCalibration } from '../../contract/calibration.ts';
import type { JudgeRowsInput, JudgeRowsResult } from '../../contract/judged-rows.ts';
import { durable } from '../durable.ts';
import { countsOf, judgedRows } from './judged-rows.ts';
import type { JudgedRows } from './judgments-artifact.ts';
import { keptAnswers } from './kept-answers.ts';
import { memoryOf, promptingOf, recipeOf, taskOf } from '../recipe-access.ts';
import { endedBy } from '../training/sampling.ts';
import { tokenAsker } from './token-asker.ts';
import type { Caller } from '../heartbeat.ts';
import type { JsonCache } from '../json-cache.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { calibrationIn, temperatureFor } from './calibration.ts';

export function createJudgeRows(context: ComputeContext) {
  const { cache, states, processors, prompter } = context;
  return async (input: JudgeRowsInput, caller: Caller): Promise<JudgeRowsResult> => {
    const { dataset, policy, task, mode } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const prompting = promptingOf(recipe, [task]);
    const temperature = input.calibrated && (await temperatureIn(cache, recipe, input, input.calibrated));
    const { tokenCountMax, promptCountPerBatch } = recipe.evaluation;
    const key = {
      inputs: { snapshot: policy.snapshot, log: policy.log, dataset },
      config: {
        ...{ ...prompting, task, mode, tokenCountMax, promptCountPerBatch, stopSequences: recipe.stopSequences },
        // A memory limit splits batches, which changes the last bits of probabilities.
        ...memoryOf(recipe),
        ...(temperature !== undefined && { temperature }),
      },
    };
    const { outputs, summary, ...made } = await durable(context.deps, 'judgeRows', key, () =>
      states.withPolicy(caller, { policy }, async (held) => {
        const { waits } = held;
        const loaded = await waits.for(processors.of(policy.snapshot));
        const prompted = await waits.for(prompter.open(loaded, dataset, prompting));
        const spec = taskOf(recipe, task);
        const asker = tokenAsker({
          held: { engine: keptAnswers(context.deps, policy, held.engine), waits },
          ...{ prompted, evaluation: recipe.evaluation, ending: endedBy(recipe, prompted), spec },
          ...memoryOf(recipe),
        });
        const asking: Asking = { asker, dataset: prompted.dataset, waits, spec, mode };
        const startedAtMs = performance.now();
        const rows = await judgedRows(asking, task, tokenCountMax, temperature);
        const computeMs = performance.now() - startedAtMs;
        const artifact: JudgedRows = { schema: 1, task, rows };
        return { outputs: { rows: await waits.for(cache.put(artifact)) }, summary: countsOf(rows), computeMs };
      }),
    );
    return { ...made, ...summary, rows: outputs.rows, ...(temperature !== undefined && { temperature }) };
  };
}

async function temperatureIn(
  cache: JsonCache,
  recipe: Recipe,
  { mode, task }: JudgeRowsInput,
  { calibration, checkpoint }: UsedCalibration,
): Promise<number> {
  const fitted = calibrationIn(await cache.get(calibration), calibration.uri);
  return temperatureFor(fitted, { recipe, policy: checkpoint.sha256, mode, task }).temperature;
}
