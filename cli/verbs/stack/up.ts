import { type Command, Option } from 'commander';
import { type SetAsideName, setAsideNames } from '../../../infra/stack/set-aside.ts';
import { up } from '../../../infra/stack/up.ts';
import { print, say } from '../../show/output.ts';

export function addUp(command: Command): void {
  command
    .option('--no-workers', 'start only the servers, with search attributes and bucket')
    .addOption(
      new Option('--set-aside <server>', 'move the data of a server out of the way first; nothing is deleted').choices(
        setAsideNames,
      ),
    )
    .action(async ({ workers, setAside }: { workers: boolean; setAside?: SetAsideName }) => {
      const { temporal, s3, taskQueues } = await up({
        ...{ workers, log: say },
        ...(setAside !== undefined && { setAside }),
      });
      print(`Temporal ${temporal.address}${temporal.uiUrl === undefined ? '' : `, Web UI ${temporal.uiUrl}`}`);
      print(`queue    ${taskQueues.control} (\`temporal workflow start --task-queue ${taskQueues.control}\`)`);
      print(`store    ${s3.endpoint}${s3.consoleUrl === undefined ? '' : `, console ${s3.consoleUrl}`}`);
    });
}
