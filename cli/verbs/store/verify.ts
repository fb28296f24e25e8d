import type { Command } from 'commander';
import type { ArtifactStore } from '../../../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import { type Verification, verifyArtifacts } from '../../../artifacts/verify.ts';
import { madeBy } from '../../show/made.ts';
import { paintFor, print, printJson, say } from '../../show/output.ts';
import { withProgressLine } from '../../show/progress-line.ts';
import { withStack } from '../../temporal/stack.ts';

export function addVerify(command: Command): void {
  command
    .argument('[id]')
    .option('--json', 'one JSON document on stdout')
    .action(async (experimentId: string | undefined, { json = false }: { json?: boolean }) => {
      await withStack({ startMissing: false }, async (stack) => {
        const { store } = stack;
        const roots = experimentId === undefined ? await everything(store) : (await madeBy(stack, experimentId)).refs;
        const verification = await verifyShowing(store, roots);
        const ok = verification.problemCount === 0;
        if (json) printJson({ experimentId: experimentId ?? null, ok, ...verification });
        else printVerification(verification);
        if (!ok) process.exitCode = 1;
      });
    });
}

function verifyShowing(store: ArtifactStore, roots: readonly ArtifactRef[]): Promise<Verification> {
  return withProgressLine((show) =>
    verifyArtifacts(store, roots, ({ artifactCount, byteLength, problemCount }) => {
      show(() => `${String(artifactCount)} artifacts, ${mebibytes(byteLength)} read, ${String(problemCount)} damaged`);
    }),
  );
}

/** All blobs, with the digest in their name, and all manifests, which are self-verifying. */
async function everything({ objects }: ArtifactStore): Promise<ArtifactRef[]> {
  const roots: ArtifactRef[] = [];
  for (const prefix of ['blobs/', 'manifests/']) {
    for await (const { key, byteLength } of objects.list(prefix))
      roots.push({ uri: objects.uriOf(key), sha256: key.slice(key.lastIndexOf('/') + 1), byteLength });
  }
  return roots;
}

function printVerification({ artifactCount, byteLength, problems }: Verification): void {
  const paint = paintFor(process.stderr);
  for (const { uri, expected, found } of problems)
    say(`${paint('red', 'ARTIFACT_CORRUPT')}: ${uri}\n  expected ${expected}\n  found    ${found}`);
  const damaged = problems.length === 0 ? 'all digests match' : `${String(problems.length)} damaged`;
  print(`${String(artifactCount)} artifacts, ${mebibytes(byteLength)}: ${damaged}`);
}

function mebibytes(byteLength: number): string {
  return `${(byteLength / 1024 / 1024).toFixed(1)} MiB`;
}
