import { defaultPayloadConverter } from '@temporalio/common';
import { expect, test } from 'vitest';
import { ingestPhase, type PendingActivity } from '../../cli/ingest-phase.ts';

function pending(name: string, details: unknown): PendingActivity {
  return { activityType: { name }, heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(details)] } };
}

test('reports how many rows an ingestion in progress has read and quarantined', () => {
  const progress = { datasetIndex: 1, datasetCount: 9, exampleCount: 12_000, quarantinedCount: 3 };
  expect(ingestPhase([pending('importPolicy', {}), pending('ingest', progress)])).toBe(
    'dataset 2 of 9, 12000 examples, 3 rows in quarantine',
  );
});

test('reports nothing before the first row is read or without an ingestion', () => {
  expect(ingestPhase([])).toBeUndefined();
  expect(ingestPhase([{ activityType: { name: 'ingest' }, heartbeatDetails: null }])).toBeUndefined();
  expect(ingestPhase([pending('ingest', undefined)])).toBeUndefined();
  expect(ingestPhase([pending('rollout', { exampleCount: 1 })])).toBeUndefined();
});
