/** Copies the report of an experiment to the local stack's folder, and its tables to any folder. */
import { join } from 'node:path';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { MtrlError } from '../core/errors.ts';
import { requireExperimentIndex } from '../pipeline/reporting/experiment-index.ts';
import type { Stack } from './temporal/stack.ts';

/** Fetches the report, verifies its digest, and returns its path. */
export async function fetchReport(
  { settings, store }: Stack,
  experimentId: string,
  report: ArtifactRef,
): Promise<string> {
  const path = join(settings.home, 'reports', `${experimentId}.html`);
  await store.getToFile(report, path);
  return path;
}

/** Writes table.md, table.csv and table.tex; returns their paths. Throws NOT_FOUND. */
export async function fetchTables(
  { store }: Pick<Stack, 'store'>,
  experimentId: string,
  folder: string,
): Promise<string[]> {
  const { tables } = await requireExperimentIndex(store, experimentId);
  if (tables === undefined) {
    throw new MtrlError('NOT_FOUND', 'the report of this experiment has no table', {
      where: experimentId,
      found: 'a report of an earlier version',
      hint: 'run the recipe again under another --id: stored results are reused and the report is new',
    });
  }
  return Promise.all(
    Object.entries(tables).map(async ([extension, table]) => {
      const path = join(folder, `table.${extension}`);
      await store.getToFile(table, path);
      return path;
    }),
  );
}
