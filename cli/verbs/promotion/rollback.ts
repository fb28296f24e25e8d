import type { Command } from 'commander';
import type { RollbackInput } from '../../../contract/promotion.ts';
import { whoami } from '../../temporal/decisions.ts';
import { runJob } from '../../temporal/job.ts';
import { print, printJson } from '../../show/output.ts';
import { shownVersion } from '../../temporal/promotions.ts';
import { withStack } from '../../temporal/stack.ts';
import { wholeNumber } from '../../whole-number.ts';
import { sayUntold } from './promote.ts';

interface RollbackOptions {
  readonly to?: number;
  readonly by?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

export function addRollback(command: Command): void {
  command
    .argument('<name>')
    .option('--to <version>', 'version to go back to (default: the previous one)', wholeNumber)
    .option('--by <who>', 'name of who decides (default: the user of this computer)')
    .option('--reason <text>', 'reason, kept in the history')
    .option('--json', 'one JSON document on stdout')
    .action(rollback);
}

async function rollback(name: string, { json = false, by = whoami(), ...wanted }: RollbackOptions): Promise<void> {
  const input: RollbackInput = { name, by, ...wanted };
  await withStack({ startMissing: true }, async (stack) => {
    const { workflowId, result } = await runJob(stack, { type: 'rollback', name, input });
    const { from, promoted, revision, notifications } = result;
    notifications.failures.forEach(sayUntold);
    const shown = { from: from ? shownVersion(from) : null, promoted: promoted ? shownVersion(promoted) : null };
    if (json) printJson({ workflowId, status: 'completed', name, revision, ...shown, notifications });
    else print(`${name} is now ${promoted ? `version ${String(promoted.version)}` : 'not promoted'}`);
  });
}
