/** Evaluations and judged rows of an arm that asks an endpoint. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { EndpointUsage } from '../judge/evaluation/endpoint-usage.ts';
import type { EvaluateInput, EvaluateResult } from './activities.ts';
import type { JudgeRowsInput, JudgeRowsResult } from './judged-rows.ts';

export interface EvaluateEndpointInput extends Omit<EvaluateInput, 'policy' | 'seed'> {
  readonly endpoint: ArtifactRef;
  /** What the arm's evaluations of other tasks used, for the ceiling of the arm's cost. */
  readonly before: EndpointUsage;
}
export interface EvaluateEndpointResult extends EvaluateResult {
  readonly usage: EndpointUsage;
}

export interface JudgeRowsEndpointInput extends Omit<JudgeRowsInput, 'policy' | 'calibrated'> {
  /** The arm of the recipe that asks the endpoint. */
  readonly arm: string;
}
export interface JudgeRowsEndpointResult extends JudgeRowsResult {
  /** The endpoint, as an artifact. */
  readonly endpoint: ArtifactRef;
  readonly usage: EndpointUsage;
}
