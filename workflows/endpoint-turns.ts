/** Evaluations of an endpoint, one after the other: its requests in flight and its costs are limited for the arm as a whole. */
import type { EvaluateResult, EvaluationPlan } from '../contract/activities.ts';
import type { EvaluateEndpointResult } from '../contract/endpoints.ts';
import type { EndpointUsage } from '../judge/evaluation/endpoint-usage.ts';

export async function inTurn(
  evaluations: readonly EvaluationPlan[],
  evaluated: (wanted: EvaluationPlan, before: EndpointUsage) => Promise<EvaluateEndpointResult>,
): Promise<EvaluateResult[]> {
  let before: EndpointUsage = { answerCount: 0, promptTokenCount: 0, completionTokenCount: 0 };
  const found: EvaluateResult[] = [];
  for (const wanted of evaluations) {
    const { usage, ...result } = await evaluated(wanted, before);
    found.push(result);
    before = {
      answerCount: before.answerCount + usage.answerCount,
      promptTokenCount: before.promptTokenCount + usage.promptTokenCount,
      completionTokenCount: before.completionTokenCount + usage.completionTokenCount,
    };
  }
  return found;
}
