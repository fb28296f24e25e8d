/** Files and folders as tables of facts, with their pictures: all that the guesses start from. */
import type { SourceFiles } from '../../sources/source-files.ts';
import { type DataSource, sourcesAt } from './data-source.ts';
import { seenOf } from '../guesses/guess-task.ts';
import { findPictures } from './pictures.ts';
import { inspectTable, sameColumns } from './table-facts.ts';
import type { Seen } from '../guesses/task-guess.ts';

/**
 * One table for all files with the same columns.
 *
 * @param pictureFolder where named pictures lie, if the user says so
 * @param onTable called with the files of each table before it is read
 * @throws FILE_MISSING, DATASET_EMPTY, FILE_UNREADABLE
 */
export async function inspectData(
  files: SourceFiles,
  places: readonly string[],
  pictureFolder?: string,
  onTable: (sources: readonly DataSource[]) => void = () => undefined,
): Promise<Seen[]> {
  const sources: DataSource[] = [];
  for (const place of places) {
    for (const source of await sourcesAt(files, place)) {
      if (!sources.some(({ path }) => path === source.path)) sources.push(source);
    }
  }
  const tables: Seen[] = [];
  for (const table of await sameColumns(files, sources)) {
    onTable(table);
    const facts = await inspectTable(files, table);
    tables.push(seenOf(facts, await findPictures(files, facts, pictureFolder)));
  }
  return tables;
}
