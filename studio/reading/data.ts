/** What became of the rows: quarantine and leaks; and where a policy comes from. */
import { ancestryOf } from '../../artifacts/ancestry.ts';
import type { Leak } from '../../judge/datasets/joining/leaks.ts';
import type { QuarantinedRow } from '../../judge/example.ts';
import { datasetFormat } from '../../pipeline/data/dataset-artifact.ts';
import { storedRows } from '../../pipeline/data/json-lines.ts';
import type { LeakPage, LineageView, QuarantinePage } from '../api.ts';
import type { Library } from '../library.ts';
import { datasetRefOf, openExperiment, runOf } from './open-experiment.ts';
import { pageOf, startOf } from './page-of.ts';

const pageRowCount = 100;

export async function datasetOfExperiment(library: Library, experimentId: string) {
  return library.cache.getDocument(
    await datasetRefOf(library, await openExperiment(library, experimentId)),
    datasetFormat,
  );
}

export async function quarantinePage(library: Library, experimentId: string, after = '0'): Promise<QuarantinePage> {
  const { quarantine, quarantinedCount } = await datasetOfExperiment(library, experimentId);
  const first = startOf(after);
  const rows: QuarantinedRow[] = [];
  if (quarantine === null) return { rows, rowCount: quarantinedCount };
  let at = 0;
  for await (const row of storedRows<QuarantinedRow>(library.store, quarantine)) {
    if (at++ < first) continue;
    if (rows.length === pageRowCount) return { rows, rowCount: quarantinedCount, next: String(at - 1) };
    rows.push(row);
  }
  return { rows, rowCount: quarantinedCount };
}

export async function leakPage(library: Library, experimentId: string, after?: string): Promise<LeakPage> {
  const { leaks } = await datasetOfExperiment(library, experimentId);
  const found = leaks === null ? [] : ((await library.cache.get(leaks)) as readonly Leak[]);
  return { rowCount: found.length, ...pageOf(found, after, pageRowCount) };
}

/** The checkpoint of a run, back to files: as `mtrl lineage` shows it. */
export async function lineageOf(library: Library, experimentId: string, runName: string): Promise<LineageView> {
  const { checkpoint } = runOf(await openExperiment(library, experimentId), runName);
  const tree = await ancestryOf(library.store, 'checkpoint', checkpoint, { depthMax: 8, openedCountMax: 2 });
  return { runName, tree };
}
