import type { Command } from 'commander';
import { addKey, keyFileVariable } from '../../../infra/payloads/key-ring.ts';
import { print, printJson, say } from '../../show/output.ts';
import { userPath } from '../../user-path.ts';

export function addPayloadKey(command: Command): void {
  command
    .argument('<file>', 'the key file (mode 600); older keys in it still decrypt')
    .option('--json', 'one JSON document on stdout')
    .action((file: string, { json }: { json?: boolean }) => {
      const path = userPath(file);
      const key = addKey(path, Date.now());
      if (json === true) printJson({ file: path, key });
      else print(`key ${key} in ${path}`);
      say(`set ${keyFileVariable}=${path} for workers, \`mtrl\` and \`mtrl codec-server\`, then restart the workers`);
    });
}
