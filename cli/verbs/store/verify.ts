import { WorkflowIdReusePolicy } from '@temporalio/client';
import type { Command } from 'commander';
import type { ArtifactStore } from '../../../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import { removeDamaged } from '../../../artifacts/repair.ts';
import { type Verification, verifyArtifacts } from '../../../artifacts/verify.ts';
import { MtrlError } from '../../../core/errors.ts';
import { madeBy } from '../../show/made.ts';
import { commandText, paintFor, print, printJson, say } from '../../show/output.ts';
import { withProgressLine } from '../../show/progress-line.ts';
import { describe } from '../../temporal/describe-experiment.ts';
import { type Stack, withStack } from '../../temporal/stack.ts';
import { startAgain } from '../../temporal/start-again.ts';

export function addVerify(command: Command): void {
  command
    .argument('[id]')
    .option('--repair', 'delete what is damaged, and start the experiment again to make it again')
    .option('--json', 'one JSON document on stdout')
    .action(async (experimentId: string | undefined, { repair = false, json = false }: VerifyOptions) => {
      if (repair && experimentId === undefined) throw repairsOne();
      await withStack({ startMissing: repair }, async (stack) => {
        const { store } = stack;
        const roots = experimentId === undefined ? await everything(store) : (await madeBy(stack, experimentId)).refs;
        const verification = await verifyShowing(store, roots);
        const ok = verification.problemCount === 0;
        if (!json) printVerification(verification);
        const isRepaired = !ok && repair && experimentId !== undefined;
        if (isRepaired) await startRepair(stack, experimentId, roots, verification);
        if (json) printJson({ experimentId: experimentId ?? null, ok, ...verification, isRepaired });
        if (!ok) process.exitCode = 1;
      });
    });
}

interface VerifyOptions {
  readonly repair?: boolean;
  readonly json?: boolean;
}

function repairsOne(): MtrlError {
  return new MtrlError('USAGE', 'a repair starts one experiment again', {
    ...{ where: '--repair', found: 'no id of an experiment' },
    hint: `\`${commandText('verify', 'ID')} --repair\`; \`${commandText('status')}\` lists the experiments`,
  });
}

/** Throws EXPERIMENT_RUNNING; NOT_FOUND for an imported experiment, which is repaired by importing it again. */
async function startRepair(
  stack: Stack,
  experimentId: string,
  roots: readonly ArtifactRef[],
  { problems }: Verification,
): Promise<void> {
  const { status } = await describe(stack.client, experimentId);
  if (status.name === 'RUNNING' || status.name === 'PAUSED') {
    throw new MtrlError('EXPERIMENT_RUNNING', 'a running experiment is not repaired', {
      where: experimentId,
      hint: `wait until it ends, or \`${commandText('cancel', experimentId)}\`, and repair it then`,
    });
  }
  const removed = await removeDamaged(stack.store, roots, problems);
  await startAgain(stack, experimentId, WorkflowIdReusePolicy.ALLOW_DUPLICATE);
  say(
    `deleted ${String(removed.length)} damaged objects and started ${experimentId} again: all else is found. ` +
      `When it has ended, \`${commandText('verify', experimentId)}\` checks it again`,
  );
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
