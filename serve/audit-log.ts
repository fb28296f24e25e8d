/**
 * A record of every judgment, as JSON Lines: a file for each task, which `mtrl score` reads, and one for the chat API.
 * Pictures are in it by their digests alone. Nothing is deleted here: full files are set aside under the time at which
 * they were full.
 */
import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '../artifacts/store/errno.ts';

const fileByteLengthMax = 256 << 20;

export class AuditLog {
  readonly #folder: string;
  /** The writes in progress, by file: one at a time. */
  readonly #writes = new Map<string, Promise<void>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves once the records are written. Rejects if they cannot be. */
  judged(task: string, records: readonly object[]): Promise<void> {
    return this.#append(join(this.#folder, 'judgments', `${task}.jsonl`), records);
  }

  chatted(record: object): Promise<void> {
    return this.#append(join(this.#folder, 'chat.jsonl'), [record]);
  }

  #append(file: string, records: readonly object[]): Promise<void> {
    const before = this.#writes.get(file) ?? Promise.resolve();
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    // The failure of an earlier write is its own caller's.
    const write = before.catch(() => undefined).then(() => append(file, text));
    this.#writes.set(file, write);
    return write;
  }
}

async function append(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  if ((await byteLengthOf(file)) > fileByteLengthMax)
    await rename(file, file.replace(/\.jsonl$/, `.${new Date().toISOString().replaceAll(':', '-')}.jsonl`));
  await appendFile(file, text, { mode: 0o600 });
}

async function byteLengthOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
