import type { Command } from 'commander';
import { forget } from '../../temporal/forget.ts';
import { commandText, print, printJson } from '../../show/output.ts';
import { withStack } from '../../temporal/stack.ts';

export function addDelete(command: Command): void {
  command
    .argument('<id>')
    .option('--json', 'one JSON document on stdout')
    .action(async (experimentId: string, { json = false }: { json?: boolean }) => {
      await withStack({ startMissing: false }, async (stack) => {
        const forgotten = await forget(stack, experimentId);
        if (json) printJson(forgotten);
        else print(`${experimentId} is deleted; \`${commandText('gc')}\` frees what only it used`);
      });
    });
}
