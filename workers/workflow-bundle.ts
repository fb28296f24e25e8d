/** The workflow bundle, cached by the digest of its sources: building it takes seconds, which each start would cost. */
import { readFileSync } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { digestOf, sha256 } from '../core/json.ts';
import { workflowSources } from '../pipeline/code/code-version.ts';
import { projectRoot } from '../core/project.ts';

/** Path of the bundle's code, which is built if it is not in `cacheFolder`. */
export async function workflowBundle(
  cacheFolder: string,
  { traced = false }: { readonly traced?: boolean } = {},
): Promise<string> {
  const folder = join(projectRoot, 'workflows');
  const path = join(cacheFolder, `workflows-${digestOfSources()}${traced ? '-traced' : ''}.js`);
  if (await stat(path).catch(() => undefined)) return path;
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(folder, 'index.ts'),
    workflowInterceptorModules: traced ? [join(folder, 'spans.ts')] : [],
    logger: silent,
  });
  await mkdir(cacheFolder, { recursive: true });
  const partial = `${path}.${String(process.pid)}`;
  await writeFile(partial, code);
  await rename(partial, path);
  return path;
}

function digestOfSources(): string {
  const manifest = createRequire(import.meta.url).resolve('@temporalio/worker/package.json');
  return digestOf({ files: workflowSources(), sdk: sha256(readFileSync(manifest)), at: dirname(manifest) });
}

/** Suppresses webpack's own report; errors are thrown anyway. */
const quiet = (): void => undefined;
const silent = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
