/** Validation of a run's policy between two steps, by the activities that evaluate it in the end. */
import type { PolicyState } from '../../contract/activities.ts';
import type { RunSelection } from '../../contract/validation.ts';
import type { RunInput } from '../../contract/workflows.ts';
import { compute } from '../activity-options.ts';
import { onPool } from '../pools.ts';
import type { RunBudget } from './run-budget.ts';
import type { RunTracker } from './run-tracker.ts';
import { isPlateau, select } from './selection.ts';

interface Context {
  readonly input: RunInput;
  readonly tracker: RunTracker;
  readonly budget: RunBudget;
}

/** Whether the policy after `step` steps is to be validated. It is a snapshot then. */
export function isValidationDue({ input, tracker, budget }: Context, step: number, { log }: PolicyState): boolean {
  const { validation } = input.plan;
  if (validation === undefined || log.length > 0) return false;
  return (
    step > (tracker.selection?.last.step ?? 0) && (step % validation.everyStepCount === 0 || step >= budget.endStep)
  );
}

export function hasReachedPlateau({ input: { plan }, tracker }: Context): boolean {
  return plan.validation !== undefined && isPlateau(tracker.selection, plan.validation);
}

export async function validate({ input, tracker }: Context, step: number, policy: PolicyState): Promise<void> {
  const { recipe, dataset, plan } = input;
  const { validation, arm, seed, mode } = plan;
  if (validation === undefined) throw new Error(`${plan.runName} has no validation`);
  const summary = `validation after ${String(step)} steps`;
  tracker.phase(summary);
  const { tasks, split, metric } = validation;
  const results = await Promise.all(
    tasks.map((task) =>
      compute.evaluate.executeWithOptions({ summary: `${summary} · ${task}`, ...onPool(plan.pools?.evaluation) }, [
        { recipe, dataset, policy, arm, seed, task, split, mode, isValidation: true },
      ]),
    ),
  );
  tracker.made('evaluate', ...results);
  const score = results.reduce((sum, { scores }) => sum + (scores[metric] ?? scores.accuracy), 0) / results.length;
  const { checkpoint } = tracker.totals;
  tracker.validated(select(tracker.selection, { step, score, snapshot: policy.snapshot, checkpoint }, validation));
}

/** The selection of a run that ends with `policy` after `step` steps; undefined without validation. */
export function selectionOf(
  { input, tracker, budget }: Context,
  step: number,
  policy: PolicyState,
): RunSelection | undefined {
  const { validation } = input.plan;
  const { selection } = tracker;
  if (validation === undefined || selection === undefined) return undefined;
  const { metric, split } = validation;
  return { ...selection, metric, split, endedEarly: step < budget.endStep, lastPolicy: policy };
}
