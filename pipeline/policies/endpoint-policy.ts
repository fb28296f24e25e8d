/** The policy of an arm that asks an endpoint, as an artifact: what its answers depend on, and nothing to load. */
import type { Format } from '../../artifacts/format.ts';
import type { EndpointModel } from '../../policy/engines/endpoint.ts';
import type { EndpointSpec } from '../../recipes/fields/endpoint-fields.ts';
import type { Snapshot } from './snapshot-artifact.ts';

/** Stands where a run has its snapshot and its checkpoint: a policy at step 0, without a history. */
export interface EndpointPolicy extends Pick<Snapshot, 'schema' | 'step' | 'records' | 'previous'> {
  readonly endpoint: EndpointModel;
}

export const endpointPolicyFormat: Format<EndpointPolicy> = { what: 'the policy of an endpoint', schema: 1 };

export function endpointPolicy({ endpoint: address, model, tokenLimit, omit }: EndpointSpec): EndpointPolicy {
  return { schema: 1, step: 0, records: [], previous: null, endpoint: { address, model, tokenLimit, omit } };
}
