/** Evaluates one policy, held by an engine, on one task (evaluate-task.ts). */
import type { ComputeContext } from '../compute-context.ts';
import type { EvaluateInput, EvaluateResult } from '../../contract/activities.ts';
import { durable } from '../durable.ts';
import type { Caller } from '../heartbeat.ts';
import { memoryOf, promptingOf, recipeOf, taskOf } from '../recipe-access.ts';
import { endedBy } from '../training/sampling.ts';
import { validationRecipe } from './validation-recipe.ts';
import { evaluateTask, settingsOf } from './evaluate-task.ts';
import { keptAnswers } from './kept-answers.ts';
import { summaryOf } from './kept-evaluation.ts';
import { tokenAsker } from './token-asker.ts';

export function createEvaluate(context: ComputeContext) {
  const { cache, states, processors, prompter } = context;
  return async (input: EvaluateInput, caller: Caller): Promise<EvaluateResult> => {
    const { dataset, policy, task, split, mode } = input;
    const whole = await recipeOf(cache, input.recipe);
    const recipe = input.isValidation ? validationRecipe(whole, input.arm) : whole;
    const prompting = promptingOf(recipe, [task]);
    const key = {
      inputs: { snapshot: policy.snapshot, log: policy.log, dataset },
      config: {
        ...prompting,
        evaluation: settingsOf(recipe, task),
        stopSequences: recipe.stopSequences,
        // A memory limit splits batches, which changes the last bits of probabilities but no sampled token.
        ...(recipe.evaluation.modes.includes('forced-choice') && memoryOf(recipe)),
        ...{ task, split, mode },
      },
    };
    const { outputs, summary, ...made } = await durable(context.deps, 'evaluate', key, () =>
      states.withPolicy(caller, { policy }, async (held) => {
        const { waits } = held;
        const loaded = await waits.for(processors.of(policy.snapshot));
        const prompted = await waits.for(prompter.open(loaded, dataset, prompting));
        const startedAtMs = performance.now();
        const spec = taskOf(recipe, task);
        const asker = tokenAsker({
          held: { engine: keptAnswers(context.deps, policy, held.engine), waits },
          ...{ prompted, evaluation: recipe.evaluation, ending: endedBy(recipe, prompted), spec },
          ...memoryOf(recipe),
        });
        const asking = { asker, dataset: prompted.dataset, waits, spec, mode };
        const { artifact, scores } = await evaluateTask(asking, recipe, { task, split });
        const computeMs = performance.now() - startedAtMs;
        return { outputs: { judgments: await waits.for(cache.put(artifact)) }, summary: { scores }, computeMs };
      }),
    );
    return { ...made, ...outputs, scores: summaryOf(summary.scores) };
  };
}
