import type { Command } from 'commander';
import type { ArtifactStore } from '../../artifacts/artifact-store.ts';
import type { Problem } from '../../artifacts/lineage.ts';
import { readManifest } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { type Verification, verifyArtifacts } from '../../artifacts/verify.ts';
import { MtrlError } from '../../core/errors.ts';
import { madeBy } from '../made.ts';
import { paintFor, print, printJson, say } from '../output.ts';
import { Screen } from '../screen.ts';
import { withStack } from '../stack.ts';

export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('read every artifact of an experiment again and compare digests; without an id, of the whole store')
    .argument('[id]')
    .option('--json', 'one JSON document on stdout')
    .action(async (experimentId: string | undefined, { json = false }: { json?: boolean }) => {
      await withStack({ startMissing: false }, async (stack) => {
        const { roots, problems } =
          experimentId === undefined
            ? await everything(stack.store)
            : { roots: (await madeBy(stack, experimentId)).refs, problems: [] };
        const checked = await verifyShowing(stack.store, roots);
        const all = [
          ...problems,
          ...checked.problems.filter(({ uri }) => !problems.some((known) => known.uri === uri)),
        ];
        const verification = { ...checked, problems: all, problemCount: all.length };
        if (json) printJson({ experimentId: experimentId ?? null, ok: all.length === 0, ...verification });
        else printVerification(verification);
        if (all.length > 0) process.exitCode = 1;
      });
    });
}

async function verifyShowing(store: ArtifactStore, roots: readonly ArtifactRef[]): Promise<Verification> {
  if (!process.stderr.isTTY) return verifyArtifacts(store, roots);
  const screen = new Screen(process.stderr);
  let drawnAtMs = 0;
  try {
    return await verifyArtifacts(store, roots, ({ artifactCount, byteLength, problemCount }) => {
      if (Date.now() - drawnAtMs < 250) return;
      drawnAtMs = Date.now();
      screen.draw([
        `${String(artifactCount)} artifacts, ${mebibytes(byteLength)} read, ${String(problemCount)} damaged`,
      ]);
    });
  } finally {
    screen.close();
  }
}

/** Every blob by the digest in its name, and every manifest. */
async function everything(store: ArtifactStore): Promise<{ roots: ArtifactRef[]; problems: Problem[] }> {
  const roots: ArtifactRef[] = [];
  const problems: Problem[] = [];
  for await (const { key, byteLength } of store.objects.list('blobs/')) {
    roots.push({ uri: store.objects.uriOf(key), sha256: key.slice(key.lastIndexOf('/') + 1), byteLength });
  }
  for await (const { key } of store.objects.list('manifests/')) {
    try {
      const found = await readManifest(store, key);
      if (found) roots.push(found.ref);
    } catch (error) {
      if (!(error instanceof MtrlError) || error.code !== 'ARTIFACT_CORRUPT') throw error;
      problems.push({
        uri: store.objects.uriOf(key),
        expected: 'a manifest that proves itself',
        found: error.details.found ?? error.message,
      });
    }
  }
  return { roots, problems };
}

function printVerification({ artifactCount, byteLength, problems }: Verification): void {
  const paint = paintFor(process.stderr);
  for (const { uri, expected, found } of problems)
    say(`${paint('red', 'ARTIFACT_CORRUPT')}: ${uri}\n  expected ${expected}\n  found    ${found}`);
  const damaged = problems.length === 0 ? 'all as they were written' : `${String(problems.length)} damaged`;
  print(`${String(artifactCount)} artifacts, ${mebibytes(byteLength)}: ${damaged}`);
}

function mebibytes(byteLength: number): string {
  return `${(byteLength / 1024 / 1024).toFixed(1)} MiB`;
}
