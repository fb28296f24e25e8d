import type { Command } from 'commander';
import type { Decision } from '../../../contract/messages.ts';
import { decide, whoami } from '../../temporal/decisions.ts';
import { print, printJson } from '../../show/output.ts';
import { withStack } from '../../temporal/stack.ts';

interface DecideOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

export function addApprove(command: Command): void {
  addDecision(command, 'approve');
}

export function addReject(command: Command): void {
  addDecision(command, 'reject');
}

function addDecision(command: Command, verb: Decision['decision']): void {
  command
    .argument('<workflow-or-name>', 'the waiting workflow, or the name that its candidate would take')
    .option('--by <who>', 'name of who decides (default: the user of this computer)')
    .option('--reason <text>', 'reason, kept in the history')
    .option('--json', 'one JSON document on stdout')
    .action(async (target: string, { by = whoami(), reason, json = false }: DecideOptions) => {
      await withStack({ startMissing: true }, async (stack) => {
        const wanted: Decision = { decision: verb, by, ...(reason !== undefined && { reason }) };
        const { workflowId, decision } = await decide(stack, target, wanted);
        if (json) printJson({ workflowId, ...decision });
        else print(`decision sent to ${workflowId}: ${decision.decision}, by ${decision.by}`);
      });
    });
}
