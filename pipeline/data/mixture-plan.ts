/** The stored plan of a run's steps: a short document, and its rows in shards, of which a step reads one. */
import type { Format } from '../../artifacts/format.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { assert } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { Uint32Column } from '../../core/uint32-column.ts';
import type { MixturePlaces, PlannedStep } from '../../judge/mixture/mixture.ts';
import type { SuccessRates } from '../../judge/mixture/curriculum.ts';
import type { JsonCache } from '../json-cache.ts';

/** The output of a mix activity, stored as JSON. */
export interface MixturePlan {
  readonly schema: 2;
  /** The plan's first step. */
  readonly fromStep: number;
  readonly stepCount: number;
  readonly exampleCountPerStep: number;
  readonly reserveCountPerStep: number;
  /** In step order. */
  readonly shards: readonly PlanShard[];
  /** Training examples of each task: the size of its epoch. */
  readonly exampleCountByTask: Readonly<Record<string, number>>;
  /** Position of each stream after the last step. */
  readonly places: MixturePlaces;
  /** Success rates that a curriculum plans by. 12 bytes per example: row (uint32) and rate (float64), little-endian. */
  readonly successRates?: ArtifactRef;
}

export const mixturePlanFormat: Format<MixturePlan> = { what: 'the plan of a mixture', schema: 2 };

interface PlanShard {
  /** Little-endian uint32: for each step its rows, then its reserve. */
  readonly rows: ArtifactRef;
  readonly firstStep: number;
  readonly stepCount: number;
}

/** A shard ends with the step that reaches this size. */
const shardByteLengthMin = 128 << 10;
const rateLength = 12;

/** Stores the steps, the first of which is `fromStep`. Holds one shard in memory at a time. */
export async function storePlanShards(
  cache: JsonCache,
  steps: Iterable<PlannedStep>,
  fromStep: number,
): Promise<PlanShard[]> {
  const shards: PlanShard[] = [];
  let rows = new Uint32Column();
  let firstStep = fromStep;
  let nextStep = fromStep;
  const flush = async (): Promise<void> => {
    if (nextStep === firstStep) return;
    const { buffer, byteOffset, byteLength } = rows.values;
    const ref = await cache.store.putBytes(new Uint8Array(buffer, byteOffset, byteLength), { keep: false });
    shards.push({ rows: ref, firstStep, stepCount: nextStep - firstStep });
    rows = new Uint32Column();
    firstStep = nextStep;
  };
  for (const step of steps) {
    for (const row of step.rows) rows.push(row);
    for (const row of step.reserve) rows.push(row);
    nextStep++;
    if (rows.length * 4 >= shardByteLengthMin) await flush();
  }
  await flush();
  return shards;
}

/** Reads one step of a plan. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT, and INVARIANT for a step outside the plan. */
export async function plannedStep(cache: JsonCache, ref: ArtifactRef, step: number): Promise<PlannedStep> {
  const plan = await cache.getDocument(ref, mixturePlanFormat);
  const { fromStep, stepCount, exampleCountPerStep, reserveCountPerStep } = plan;
  const shard = plan.shards.find(({ firstStep, stepCount: count }) => step >= firstStep && step < firstStep + count);
  assert(shard !== undefined, `step ${step} is not one of the ${stepCount} from ${fromStep} on`);
  const bytes = await cache.getBytes(shard.rows);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const perStep = exampleCountPerStep + reserveCountPerStep;
  const rowAt = (i: number): number => view.getUint32(4 * ((step - shard.firstStep) * perStep + i), true);
  return {
    rows: Uint32Array.from({ length: exampleCountPerStep }, (_, i) => rowAt(i)),
    reserve: Uint32Array.from({ length: reserveCountPerStep }, (_, i) => rowAt(exampleCountPerStep + i)),
  };
}

export async function storeSuccessRates(cache: JsonCache, rates: SuccessRates): Promise<ArtifactRef> {
  const entries = Object.entries(rates);
  const bytes = Buffer.alloc(entries.length * rateLength);
  entries.forEach(([row, rate], i) => {
    bytes.writeUInt32LE(Number(row), i * rateLength);
    bytes.writeDoubleLE(rate, i * rateLength + 4);
  });
  return cache.store.putBytes(bytes, { keep: false });
}

export async function successRatesOf(cache: JsonCache, { successRates }: MixturePlan): Promise<SuccessRates> {
  if (successRates === undefined) return {};
  const found = await cache.store.getBytes(successRates);
  if (found.byteLength % rateLength !== 0)
    throw new MtrlError('ARTIFACT_CORRUPT', 'the artifact is not a list of success rates', { where: successRates.uri });
  const bytes = Buffer.from(found.buffer, found.byteOffset, found.byteLength);
  const rates: Record<number, number> = {};
  for (let at = 0; at < bytes.length; at += rateLength) rates[bytes.readUInt32LE(at)] = bytes.readDoubleLE(at + 4);
  return rates;
}
