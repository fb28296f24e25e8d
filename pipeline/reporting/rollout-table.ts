/**
 * The rollouts of a run as Parquet files, so that a filter over all steps reads a few columns instead of the whole log.
 * Each file holds the rollouts of some steps, and is stored under the digests of these steps' rollouts and rewards: the
 * files of a longer run begin with those of a shorter one. The steps after the last full file are read from the log.
 */
import { type Column, columnsIn, type ColumnType, parquetOf } from '../../artifacts/codecs/column-table.ts';
import { memoize } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import { digestOf } from '../../core/json.ts';
import type { JsonCache } from '../json-cache.ts';
import type { RlUpdate } from '../policies/step-record.ts';
import { type RolloutRow, rowsOfStep } from './rollout-rows.ts';

const types: Readonly<Record<keyof RolloutRow, ColumnType>> = {
  ...{ step: 'INT32', prompt: 'INT32', rollout: 'INT32', task: 'STRING', exampleIndex: 'INT32', exampleId: 'STRING' },
  ...{ label: 'STRING', verdict: 'STRING', reason: 'STRING', reward: 'DOUBLE', accuracy: 'DOUBLE' },
  ...{ tokenCount: 'INT32', finishReason: 'STRING', text: 'STRING' },
};
const names = Object.keys(types) as (keyof RolloutRow)[];

/** A file ends with the step that brings its log to this many bytes, or with its hundredth step. */
const fileByteLengthMin = 8 << 20;
const fileStepCountMax = 100;

/** Changes with the columns, or with what they mean. */
const tableVersion = 'rollout-table 1';

/** Consecutive steps whose rows are read together. */
export interface RolloutPart {
  readonly firstStep: number;
  readonly lastStep: number;
  /** Columns by name, of equal length; their values are in row order. */
  columns<N extends keyof RolloutRow>(names: readonly N[]): Promise<Columns<N>>;
}

export type Columns<N extends keyof RolloutRow> = { readonly [Name in N]: readonly RolloutRow[Name][] };

/** In order of steps. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT, as does reading the parts. */
export function rolloutParts(cache: JsonCache, updates: readonly RlUpdate[]): RolloutPart[] {
  return partsOf(updates).map(({ part, isFull }) => {
    const steps = { firstStep: part[0]?.step ?? 0, lastStep: part.at(-1)?.step ?? 0 };
    if (!isFull) return { ...steps, columns: async (wanted) => columnsOfRows(await rowsOf(cache, part), wanted) };
    return { ...steps, columns: (wanted) => columnsOfFile(cache, part, wanted) };
  });
}

async function columnsOfFile<N extends keyof RolloutRow>(
  cache: JsonCache,
  updates: readonly RlUpdate[],
  wanted: readonly N[],
): Promise<Columns<N>> {
  const table = digestOf(
    updates.flatMap(({ rewards, rollouts }) => [rewards, ...rollouts].map(({ sha256 }) => sha256)),
  );
  const known = new Map(wanted.map((name) => [name, cache.columns.get(`${table} ${name}`)]));
  const missing = wanted.filter((name) => known.get(name) === undefined);
  if (missing.length > 0) {
    const read = await columnsIn(await cache.getBytes(await fileOf(cache, updates)), missing);
    for (const name of missing) {
      const values = read[name] ?? [];
      cache.columns.set(`${table} ${name}`, values, byteLengthOf(values));
      known.set(name, values);
    }
  }
  return Object.fromEntries(known) as unknown as Columns<N>;
}

/** About what the values take in memory: equal texts of a column are mostly one, but for the text of rollouts. */
function byteLengthOf(values: readonly unknown[]): number {
  return values.reduce((sum: number, value) => sum + 8 + (typeof value === 'string' ? value.length : 0), 0);
}

function partsOf(updates: readonly RlUpdate[]): { readonly part: readonly RlUpdate[]; readonly isFull: boolean }[] {
  const parts: { part: RlUpdate[]; isFull: boolean }[] = [];
  let byteLength = 0;
  for (const update of updates) {
    let last = parts.at(-1);
    if (last === undefined || last.isFull) {
      parts.push((last = { part: [], isFull: false }));
      byteLength = 0;
    }
    last.part.push(update);
    byteLength += update.rollouts.reduce((sum, shard) => sum + shard.byteLength, update.rewards.byteLength);
    last.isFull = byteLength >= fileByteLengthMin || last.part.length >= fileStepCountMax;
  }
  return parts;
}

async function rowsOf(cache: JsonCache, updates: readonly RlUpdate[]): Promise<RolloutRow[]> {
  const rows: RolloutRow[] = [];
  for (const update of updates) rows.push(...(await rowsOfStep(cache, update)));
  return rows;
}

async function fileOf(cache: JsonCache, updates: readonly RlUpdate[]): Promise<ArtifactRef> {
  const inputs = {
    rollouts: updates.flatMap(({ rollouts }) => rollouts),
    rewards: updates.map(({ rewards }) => rewards),
  };
  const work = { activity: 'rolloutTable', codeVersion: tableVersion, inputs, config: {}, environment: {} };
  const { manifest } = await memoize(cache.store, work, async () => {
    const startedAtMs = performance.now();
    const rows = await rowsOf(cache, updates);
    const table = await cache.store.putBytes(parquetOf(tableOf(rows)), { keep: false });
    return { outputs: { table }, summary: { rowCount: rows.length }, computeMs: performance.now() - startedAtMs };
  });
  return required(manifest.outputs['table'], 'the table of a manifest');
}

function tableOf(rows: readonly RolloutRow[]): Readonly<Record<string, Column>> {
  return Object.fromEntries(names.map((name) => [name, { type: types[name], values: rows.map((row) => row[name]) }]));
}

function columnsOfRows<N extends keyof RolloutRow>(rows: readonly RolloutRow[], wanted: readonly N[]): Columns<N> {
  return Object.fromEntries(wanted.map((name) => [name, rows.map((row) => row[name])])) as unknown as Columns<N>;
}
