/** Copies the report of an experiment to the local stack's folder. */
import { join } from 'node:path';
import type { ArtifactRef } from '../artifacts/ref.ts';
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
