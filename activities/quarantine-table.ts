/** Rows that could not be used, as JSON Lines: written to a file as they come, so that any number of them fits. */
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { canonicalJson } from '../core/json.ts';
import type { QuarantinedRow } from '../judge/example.ts';

export class QuarantineTable {
  #folder: string | undefined;
  #file: WriteStream | undefined;

  /** Waits while the disk is behind. */
  async add(row: QuarantinedRow): Promise<void> {
    const file = (this.#file ??= createWriteStream(await this.#path()));
    if (!file.write(`${canonicalJson({ ...row })}\n`)) await once(file, 'drain');
  }

  /** The table in the store; null when it has no rows. */
  async store(store: ArtifactStore): Promise<ArtifactRef | null> {
    if (this.#file === undefined) return null;
    await finished(this.#file.end());
    return store.putFile(await this.#path());
  }

  /** Leaves nothing behind on this machine. */
  async close(): Promise<void> {
    this.#file?.destroy();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #path(): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'mtrl-quarantine-'));
    return join(this.#folder, 'rows.jsonl');
  }
}

/** The first rows of a stored table. Throws ARTIFACT_MISSING. */
export async function firstQuarantined(
  store: ArtifactStore,
  ref: ArtifactRef,
  rowCountMax: number,
): Promise<QuarantinedRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-quarantine-'));
  try {
    const path = join(folder, 'rows.jsonl');
    await store.getToFile(ref, path);
    const rows: QuarantinedRow[] = [];
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      rows.push(JSON.parse(line) as QuarantinedRow);
      if (rows.length >= rowCountMax) break;
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
