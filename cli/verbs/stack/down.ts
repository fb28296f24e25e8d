import type { Command } from 'commander';
import { down } from '../../../infra/stack/down.ts';
import { say } from '../../show/output.ts';

export function addDown(command: Command): void {
  command.action(async () => {
    await down({ log: say });
  });
}
