/**
 * The order of test files: folders with long files come first, so that no long file starts when the others are almost
 * done. A fresh checkout knows no durations, and by size, vitest's own order, short long-running files would come last.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { projectRoot } from '../../core/project.ts';

/** The longest files first; folders that are not named follow. */
const folders = ['chaos', 'end-to-end', 'workflows', 'studio', 'infra', 'cli', 'serve', 'policy', 'pipeline', 'house'];

export class FoldersInTurn extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Within a folder in vitest's order: by known durations, else by size.
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => sharingOf(a) - sharingOf(b) || turnOf(a) - turnOf(b));
  }
}

/** Files that share a process must follow each other; they are the shortest. */
function sharingOf({ project }: TestSpecification): number {
  return Number(!project.config.isolate);
}

function turnOf({ moduleId }: TestSpecification): number {
  const [, folder = ''] = relative(projectRoot, moduleId).split(/[\\/]/);
  const turn = folders.indexOf(folder);
  return turn === -1 ? folders.length : turn;
}
