/** Summary of a quarantine table: the number of rows for each code, and the first rows. */
import { createInterface } from 'node:readline';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import type { QuarantinedRow } from '../../judge/example.ts';
import { commandText, print } from './output.ts';

export interface Quarantine {
  readonly uri: string;
  /** Number of rows by code. */
  readonly codes: Readonly<Record<string, number>>;
  readonly first: readonly QuarantinedRow[];
}

const shownRowCountMax = 5;

/** Reads the table row by row: it may be larger than memory. */
export async function quarantineOf(store: ArtifactStore, table: ArtifactRef): Promise<Quarantine> {
  const input = required(await store.objects.open(store.keyOf(table)), table.uri);
  const codes: Record<string, number> = {};
  const first: QuarantinedRow[] = [];
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const row = JSON.parse(line) as QuarantinedRow;
    codes[row.code] = (codes[row.code] ?? 0) + 1;
    if (first.length < shownRowCountMax) first.push(row);
  }
  return { uri: table.uri, codes, first };
}

export function printQuarantine({ uri, codes, first }: Quarantine): void {
  const counts = Object.entries(codes).map(([code, count]) => `${String(count)} ${code}`);
  print(`quarantine ${counts.join(', ')}`);
  for (const { source, row, code, reason } of first) print(`  ${source}:${String(row)}  ${code}  ${reason}`);
  print(`  every row: ${commandText('fetch', uri)}`);
}
