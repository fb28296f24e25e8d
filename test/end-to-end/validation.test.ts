/** Selection by validation on a small judge, killed in the middle of one: the test split is asked once, of the best. */
import { expect, it } from 'vitest';
import type { EvaluateInput } from '../../contract/activities.ts';
import { validatedRecipe } from '../support/validated-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const recipe = validatedRecipe({ stepCount: 8, validation: { exampleCountMax: 6, patience: 2 } });
const runId = 'validated/sft/s0';

it('evaluates the checkpoint with the best validation, after a kill in the middle of one', () =>
  WholeStack.using(async (stack) => {
    await stack.startExperiment('validated', recipe);
    await stack.stepReached(runId, 1);
    await stack.killDuring(runId, 'evaluate');
    await stack.up();
    const { runs } = await stack.result('validated');
    const { selection, policy, plan, evaluations } = runs[0] ?? {};
    if (!selection) throw new Error('the run has no selection');
    const { best, last, validations } = selection;
    expect(validations.map(({ step }) => step)).toEqual([2, 4, 6, 8].slice(0, validations.length));
    expect(last.step).toBe(plan?.stepCount);
    const scores = validations.map(({ score }) => score);
    expect(best).toMatchObject(validations[scores.indexOf(Math.max(...scores))] ?? {});
    expect(policy).toEqual({ snapshot: best.snapshot, log: [] });
    // Each validation asks 6 examples of each of two tasks, so its mean accuracy is a twelfth.
    for (const score of scores) expect(score * 12).toBeCloseTo(Math.round(score * 12), 9);
    expect(evaluations?.map(({ scores: { task, split, exampleCount } }) => [task, split, exampleCount])).toEqual([
      ['safety', 'test', 6],
    ]);
    const asked = await inputsOf(stack, `${runId}/evaluate`);
    expect(asked.map(({ split, policy: { snapshot } }) => [split, snapshot.sha256])).toEqual([
      ['test', best.snapshot.sha256],
    ]);
    const validated = await inputsOf(stack, runId);
    expect(new Set(validated.map(({ split }) => split))).toEqual(new Set(['val']));
  }));

/** Inputs of the evaluations that a workflow asked for. */
async function inputsOf(stack: WholeStack, workflowId: string): Promise<EvaluateInput[]> {
  const { events } = await stack.withClient((client) => client.workflow.getHandle(workflowId).fetchHistory());
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    const data = scheduled?.activityType?.name === 'evaluate' ? scheduled.input?.payloads?.[0]?.data : undefined;
    return data ? [JSON.parse(new TextDecoder().decode(data)) as EvaluateInput] : [];
  });
}
