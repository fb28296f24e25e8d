/** Progress of an ingestion, from its activity's heartbeats; the workflow learns only of its end. */
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { IngestProgress } from '../judge/datasets/joining/join.ts';

/** The fields of a workflow description's pending activities that are read here. */
export interface PendingActivity {
  readonly activityType?: { readonly name?: string | null } | null;
  readonly heartbeatDetails?: { readonly payloads?: Payload[] | null } | null;
}

/** Progress as text; undefined until the first rows are read. */
export function ingestPhase(pending: readonly PendingActivity[]): string | undefined {
  const ingestion = pending.find(({ activityType }) => activityType?.name === 'ingest');
  const [payload] = ingestion?.heartbeatDetails?.payloads ?? [];
  const progress = payload && defaultPayloadConverter.fromPayload<IngestProgress | null | undefined>(payload);
  if (!progress) return undefined;
  const { datasetIndex, datasetCount, exampleCount, quarantinedCount } = progress;
  const place = `dataset ${String(datasetIndex + 1)} of ${String(datasetCount)}`;
  return `${place}, ${String(exampleCount)} examples, ${String(quarantinedCount)} rows in quarantine`;
}
