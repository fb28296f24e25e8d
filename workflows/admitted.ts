/** Removes the rows that cannot be shown to a policy from a dataset. */
import { patched } from '@temporalio/workflow';
import type { AdmitInput } from '../contract/admission.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { compute } from './activity-options.ts';
import { onPool } from './pools.ts';

interface Ingested {
  readonly dataset: ArtifactRef;
  readonly exampleCount: number;
  readonly quarantinedCount: number;
  readonly quarantine?: ArtifactRef;
}

/** The ingestion with the dataset, counts and quarantine table that admission returns. */
export async function admitted<I extends Ingested>(
  ingested: I,
  input: Omit<AdmitInput, 'dataset'>,
  pool?: string,
): Promise<I> {
  // Workflows that started before admission existed continue without it.
  if (!patched('admission')) return ingested;
  const { dataset, exampleCount, quarantinedCount, quarantine } = await compute.admit.executeWithOptions(
    { summary: 'prompts that can be shown', ...onPool(pool) },
    [{ ...input, dataset: ingested.dataset }],
  );
  return { ...ingested, dataset, exampleCount, quarantinedCount, ...(quarantine && { quarantine }) };
}
