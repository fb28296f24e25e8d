/**
 * Evaluates one run's final policy: one activity per (task, split). In parallel on engines; one after the other at an
 * endpoint, whose requests in flight and costs are limited for the arm as a whole.
 */
import { setCurrentDetails } from '@temporalio/workflow';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { EvaluateResult, EvaluationPlan } from '../contract/activities.ts';
import type { EvaluateEndpointResult } from '../contract/endpoints.ts';
import type { EndpointUsage } from '../judge/evaluation/endpoint-usage.ts';
import { compute, control } from './activity-options.ts';
import { onPool } from './pools.ts';
import { scoreDetails } from './training/details.ts';
import { inTurn } from './endpoint-turns.ts';
import { endedBadly } from './failure.ts';
import { countMade } from './progress.ts';
import { meanMacroF1 } from './training/scores.ts';
import { upsertAttributes } from './search-attributes.ts';
import type { EvaluateRunInput, EvaluateRunResult } from '../contract/workflows.ts';

export async function evaluate(input: EvaluateRunInput): Promise<EvaluateRunResult> {
  const { plan } = input.run;
  const done: EvaluateResult[] = [];
  const one = async <R extends EvaluateResult>(evaluating: Promise<R>): Promise<R> => {
    const result = await evaluating;
    done.push(result);
    setCurrentDetails(scoreDetails(plan.runName, done, input.evaluations.length));
    return result;
  };
  try {
    const { endpoint } = plan;
    const evaluations =
      endpoint === undefined
        ? await Promise.all(input.evaluations.map((wanted) => one(evaluateTask(input, wanted))))
        : await inTurn(input.evaluations, (wanted, before) => one(evaluateEndpoint(input, endpoint, wanted, before)));
    const macroF1 = meanMacroF1(evaluations.map(({ scores }) => scores));
    const { evaluated } = await control.keepEvaluations.executeWithOptions({ summary: 'results' }, [
      {
        run: input.run,
        evaluations: evaluations.map(({ manifest, cached, computeMs }) => ({ manifest, cached, computeMs })),
      },
    ]);
    upsertAttributes({ state: 'done', ...(macroF1 === undefined ? {} : { macroF1 }) });
    const tasks = evaluations.map(({ scores: { task, split, ood, macroF1: own } }) => ({
      ...{ task, split, ood },
      ...(own !== undefined && { macroF1: own }),
    }));
    return { evaluated, tasks, cache: countMade(evaluations) };
  } catch (error) {
    throw endedBadly(error, `${plan.runName}, evaluation`);
  }
}

function evaluateTask(input: EvaluateRunInput, { task, split }: EvaluationPlan): Promise<EvaluateResult> {
  const { arm, seed, mode, pools } = input.run.plan;
  const { recipe, dataset } = input;
  return compute.evaluate.executeWithOptions({ summary: `${task} · ${split}`, ...onPool(pools?.evaluation) }, [
    { recipe, dataset, policy: input.run.policy, arm, seed, task, split, mode },
  ]);
}

function evaluateEndpoint(
  { run: { plan }, recipe, dataset }: EvaluateRunInput,
  endpoint: ArtifactRef,
  { task, split }: EvaluationPlan,
  before: EndpointUsage,
): Promise<EvaluateEndpointResult> {
  return control.evaluateEndpoint.executeWithOptions({ summary: `${task} · ${split}` }, [
    { recipe, dataset, endpoint, arm: plan.arm, task, split, mode: plan.mode, before },
  ]);
}
