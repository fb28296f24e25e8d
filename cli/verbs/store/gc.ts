import type { Command } from 'commander';
import { experimentKey } from '../../../artifacts/experiments.ts';
import { collectGarbage, type Garbage } from '../../../artifacts/collection/garbage.ts';
import { youngMs } from '../../../artifacts/store/age.ts';
import { experimentsBefore, forget } from '../../temporal/forget.ts';
import { paintFor, print, printJson, say } from '../../show/output.ts';
import { withProgressLine } from '../../show/progress-line.ts';
import { type Stack, withStack } from '../../temporal/stack.ts';
import { wholeNumber } from '../../whole-number.ts';
import { openWorkflows, payloadsOf, workflowsEndedSince } from '../../temporal/workflow-roots.ts';

interface GcOptions {
  readonly dryRun?: boolean;
  readonly keepDays?: number;
  readonly recentDays: number;
  readonly graceMinutes: number;
  readonly json?: boolean;
}

const dayMs = 24 * 60 * 60_000;

export function addGc(command: Command): void {
  command
    .option('--dry-run', 'show what would be deleted, delete nothing')
    .option(
      '--keep-days <n>',
      'also delete experiments that ended more than n days ago (default: keep all)',
      wholeNumber,
    )
    .option('--recent-days <n>', 'keep what workflows refer to that ended within the last n days', wholeNumber, 7)
    .option(
      '--grace-minutes <n>',
      'keep artifacts younger than n minutes; at least an hour while a workflow is open',
      wholeNumber,
      0,
    )
    .option('--json', 'one JSON document on stdout')
    .action(gc);
}

async function gc(options: GcOptions): Promise<void> {
  await withStack({ startMissing: false }, async (stack) => {
    const { dryRun = false, keepDays, json = false } = options;
    const old = keepDays === undefined ? [] : await experimentsBefore(stack, daysAgo(keepDays));
    if (!dryRun) for (const experimentId of old) await forget(stack, experimentId);
    const garbage = await withProgressLine(async (show) =>
      collectGarbage(stack.store, {
        dryRun,
        forgotten: new Set(old.map(experimentKey)),
        runningRoots: () => documentsOf(stack, daysAgo(options.recentDays), old),
        youngSinceMs: await youngSince(stack, options),
        onProgress: ({ phase, objectCount }) => {
          show(() => `${phase}: ${String(objectCount)} objects are referenced`);
        },
      }),
    );
    if (json) printJson({ dryRun, forgotten: old, ...garbage });
    else printGarbage(garbage, old, dryRun);
  });
}

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * dayMs);
}

/** Payloads of the workflows that are open or ended after `since`, without those of forgotten experiments. */
async function* documentsOf(stack: Stack, since: Date, forgotten: readonly string[]): AsyncGenerator {
  const workflows = [...(await openWorkflows(stack)), ...(await workflowsEndedSince(stack, since))];
  for (const workflow of workflows) {
    const [experimentId = ''] = workflow.workflowId.split('/');
    if (!forgotten.includes(experimentId)) yield await payloadsOf(stack.client, workflow);
  }
}

/**
 * Time by the store's clock after which artifacts count as young: the start of the collection minus the grace period,
 * which is at least `youngMs` while workflows are open.
 */
async function youngSince(stack: Stack, { graceMinutes }: GcOptions): Promise<() => Promise<number>> {
  const startedAtMs = await stack.store.objects.timeMs();
  let wasTold = false;
  return async () => {
    const open = await openWorkflows(stack);
    if (open.length > 0 && !wasTold && graceMinutes * 60_000 < youngMs) {
      wasTold = true;
      say(`${String(open.length)} workflows are running: artifacts written or used within the last hour are kept`);
    }
    return startedAtMs - Math.max(graceMinutes * 60_000, open.length > 0 ? youngMs : 0);
  };
}

function printGarbage({ kept, garbage, kinds }: Garbage, forgotten: readonly string[], dryRun: boolean): void {
  const paint = paintFor(process.stdout);
  if (forgotten.length > 0) print(`${dryRun ? 'would forget' : 'forgot'} ${forgotten.join(', ')}`);
  for (const { kind, count, byteLength } of kinds)
    print(`  ${kind.padEnd(12)} ${String(count).padStart(8)}  ${sizeText(byteLength)}`);
  const verb = dryRun ? 'would remove' : 'removed';
  print(
    `${paint('bold', verb)} ${String(garbage.objectCount)} objects, ${sizeText(garbage.byteLength)}; ` +
      `kept ${String(kept.objectCount)}, ${sizeText(kept.byteLength)}`,
  );
}

function sizeText(byteLength: number): string {
  return `${(byteLength / 1024 / 1024).toFixed(1)} MiB`;
}
