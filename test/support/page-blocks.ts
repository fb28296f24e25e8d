/** The code blocks of a documentation page: files, and lines of tables. */
import { textOf } from './source-files.ts';

/** Path -> text, without the line that names it. */
export function blocksOf(page: string): ReadonlyMap<string, string> {
  const found = textOf(page).matchAll(/^```\w+\n(?:#|\/\/) (\S+)\n([\s\S]*?)^```$/gm);
  return new Map([...found].map(([, path = '', text = '']) => [path, text]));
}

export interface TableLine {
  readonly path: string;
  /** A constant, or a member of one, whose value is an object. */
  readonly table: string;
  readonly line: string;
}

/** One-line blocks that begin with `// PATH: in TABLE`. */
export function tableLinesOf(page: string): readonly TableLine[] {
  const found = textOf(page).matchAll(/^```ts\n\/\/ (\S+): in (\w+)\n(.*\n)```$/gm);
  return [...found].map(([, path = '', table = '', line = '']) => ({ path, table, line }));
}
