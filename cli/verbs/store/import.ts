import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { readArchiveFolder } from '../../../artifacts/archive/archive-folder.ts';
import { readTar } from '../../../artifacts/archive/archive-tar.ts';
import { importArchive } from '../../../artifacts/archive/import.ts';
import { print, printJson } from '../../show/output.ts';
import { withStack } from '../../temporal/stack.ts';
import { userPath } from '../../user-path.ts';

export function addImport(command: Command): void {
  command
    .argument('<path>', 'a tar file or a folder')
    .option('--json', 'one JSON document on stdout')
    .action(async (written: string, { json = false }: { json?: boolean }) => {
      const path = userPath(written);
      await withStack({ startMissing: false }, async ({ store }) => {
        const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() === true;
        const imported = await importArchive(store, isFolder ? readArchiveFolder(path) : readTar(path), path);
        await store.close();
        if (json) printJson(imported);
        else
          print(
            `imported ${imported.experimentId}: ${String(imported.objectCount)} objects, ${String(imported.newObjectCount)} of them new`,
          );
      });
    });
}
