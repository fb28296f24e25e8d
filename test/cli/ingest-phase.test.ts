import { defaultPayloadConverter } from '@temporalio/common';
import { expect, test } from 'vitest';
import { ingestPhase, type PendingActivity } from '../../cli/ingest-phase.ts';

function pending(name: string, details: unknown): PendingActivity {
  return { activityType: { name }, heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(details)] } };
}

test('an ingestion under way says how many rows it has read and set aside', () => {
  const progress = { datasetIndex: 1, datasetCount: 9, exampleCount: 12_000, quarantinedCount: 3 };
  expect(ingestPhase([pending('importPolicy', {}), pending('ingest', progress)])).toBe(
    'dataset 2 of 9, 12000 examples, 3 rows in quarantine',
  );
});

test('one that has read nothing yet, or is not there, says nothing', () => {
  expect(ingestPhase([])).toBeUndefined();
  expect(ingestPhase([{ activityType: { name: 'ingest' }, heartbeatDetails: null }])).toBeUndefined();
  expect(ingestPhase([pending('ingest', undefined)])).toBeUndefined();
  expect(ingestPhase([pending('rollout', { exampleCount: 1 })])).toBeUndefined();
});
