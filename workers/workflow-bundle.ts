/** The workflow bundle, cached by the digest of its sources: building it takes seconds, which each start would cost. */
import { readFileSync, realpathSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { digestOf, sha256 } from '../core/json.ts';
import { workflowSources } from '../pipeline/code/code-version.ts';
import { projectRoot } from '../core/project.ts';

/** Those used last are kept: of checkouts side by side, and of the versions between which one goes back and forth. */
export const keptCountMax = 12;

/** Path of the bundle's code, which is built if it is not in `cacheFolder`. */
export async function workflowBundle(
  cacheFolder: string,
  { traced = false }: { readonly traced?: boolean } = {},
): Promise<string> {
  const path = join(cacheFolder, `workflows-${digestOfSources()}${traced ? '-traced' : ''}.js`);
  if (await used(path)) return path;
  const file = (name: string): string => join(projectRoot, 'workflows', name);
  const code = await bundled(file('index.ts'), traced ? [file('spans.ts')] : []);
  await mkdir(cacheFolder, { recursive: true });
  const partial = `${path}.${String(process.pid)}`;
  await writeFile(partial, code);
  await rename(partial, path);
  await removeOldest(cacheFolder);
  return path;
}

/** @throws with webpack's own report, which the error of the SDK does not have */
export async function bundled(file: string, interceptors: readonly string[] = []): Promise<string> {
  const report: string[] = [];
  return bundleWorkflowCode({
    // Webpack looks for the entry point, which exists in memory only, where symbolic links lead to.
    workflowsPath: realpathSync(file),
    workflowInterceptorModules: interceptors.map((each) => realpathSync(each)),
    logger: { ...silent, error: (message: string) => void report.push(message) },
  }).then(
    ({ code }) => code,
    (cause: unknown) => {
      throw new Error(`the workflows cannot be bundled: ${report.join('\n')}`, { cause });
    },
  );
}

/** Whether it is there; it then counts as used now. */
async function used(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

/** Several workers may do so at once: what another one has removed is gone. */
export async function removeOldest(cacheFolder: string): Promise<void> {
  const names = (await readdir(cacheFolder)).filter((name) => name.startsWith('workflows-'));
  const bundles = await Promise.all(
    names.map(async (name) => {
      const path = join(cacheFolder, name);
      return { path, usedAtMs: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  bundles.sort((a, b) => b.usedAtMs - a.usedAtMs);
  await Promise.all(bundles.slice(keptCountMax).map(({ path }) => rm(path, { force: true })));
}

function digestOfSources(): string {
  const manifest = createRequire(import.meta.url).resolve('@temporalio/worker/package.json');
  return digestOf({ files: workflowSources(), sdk: sha256(readFileSync(manifest)), at: dirname(manifest) });
}

const quiet = (): void => undefined;
const silent = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet };
