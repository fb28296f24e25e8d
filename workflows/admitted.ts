/** Datasets without the rows that a policy cannot be shown. */
import { patched } from '@temporalio/workflow';
import type { AdmitInput } from '../contract/activities.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { compute } from './activity-options.ts';

interface Ingested {
  readonly dataset: ArtifactRef;
  readonly exampleCount: number;
  readonly quarantinedCount: number;
  readonly quarantine?: ArtifactRef;
}

/** What was ingested, with its counts and its table as admission leaves them. */
export async function admitted<I extends Ingested>(ingested: I, input: Omit<AdmitInput, 'dataset'>): Promise<I> {
  // Workflows that began before there was an admission end without one.
  if (!patched('admission')) return ingested;
  const { dataset, exampleCount, quarantinedCount, quarantine } = await compute.admit.executeWithOptions(
    { summary: 'prompts that can be shown' },
    [{ ...input, dataset: ingested.dataset }],
  );
  return { ...ingested, dataset, exampleCount, quarantinedCount, ...(quarantine && { quarantine }) };
}
