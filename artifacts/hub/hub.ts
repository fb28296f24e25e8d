/**
 * Repositories of the Hugging Face Hub: revisions, lists of files, and downloads into the cache that the Python package
 * `huggingface_hub` uses (blobs by digest, and for each commit a folder of links to them). Nothing that is downloaded is
 * executed.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { datasetInfo, downloadFile, listFiles, modelInfo } from '@huggingface/hub';
import { type HubAddress, hubAddressText } from '../../core/hub-address.ts';
import { MtrlError } from '../../core/errors.ts';
import { fetchFor } from '../../core/guarded-fetch.ts';
import { isNameInFolder } from '../store/files.ts';
import { hubError, unreachable } from './hub-errors.ts';
import type { HubSettings } from './hub-settings.ts';

export interface HubFile {
  /** In the repository. */
  readonly path: string;
  readonly byteLength: number;
  /** Name of its content: sha256 of large files, git's digest of small ones. */
  readonly blob: string;
}

/** Called with the number of bytes that arrived. */
export type OnBytes = (byteLength: number) => void;

const commitPattern = /^[0-9a-f]{40}$/;
/** sha1 or sha256. */
const blobPattern = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** A transfer that is cut continues where it ended. */
const attemptCountMax = 5;
const idleMsMax = 60_000;

export class Hub {
  readonly #settings: HubSettings;

  constructor(settings: HubSettings) {
    this.#settings = settings;
  }

  /** The commit of the address's revision. @throws NOT_FOUND, HUB_REFUSED, HUB_UNREACHABLE */
  async commitOf(address: HubAddress): Promise<string> {
    const { name, revision } = address;
    if (commitPattern.test(revision)) return revision;
    return this.#asking(address, async () => {
      const options = { ...this.#options(), name, revision };
      const { sha } =
        address.type === 'model'
          ? await modelInfo({ ...options, additionalFields: ['sha'] })
          : await datasetInfo({ ...options, additionalFields: ['sha'] });
      const ref = join(this.#folderOf(address), 'refs', revision);
      await mkdir(dirname(ref), { recursive: true });
      await writeFile(ref, sha);
      return sha;
    });
  }

  /** All files of the address's commit, whatever its path. The list of a commit is kept in the cache. */
  async files(address: HubAddress): Promise<readonly HubFile[]> {
    const kept = join(this.#folderOf(address), 'mtrl-files', `${address.revision}.json`);
    const text = await readFile(kept, 'utf8').catch(() => undefined);
    if (text !== undefined) return JSON.parse(text) as readonly HubFile[];
    const found = await this.#asking(address, async () => {
      const repo = { type: address.type, name: address.name };
      const files: HubFile[] = [];
      for await (const entry of listFiles({ ...this.#options(), repo, revision: address.revision, recursive: true })) {
        const blob = entry.lfs?.oid ?? entry.oid;
        if (entry.type !== 'file' || blob === undefined) continue;
        if (!isNameInFolder(entry.path) || !blobPattern.test(blob))
          throw new MtrlError('HUB_REFUSED', 'the Hub lists a file that would lie outside the cache', {
            where: hubAddressText(address),
            found: `${entry.path} (${blob})`,
          });
        files.push({ path: entry.path, byteLength: entry.lfs?.size ?? entry.size, blob });
      }
      return files;
    });
    if (commitPattern.test(address.revision)) {
      await mkdir(dirname(kept), { recursive: true });
      const partial = `${kept}.${process.pid}`;
      await writeFile(partial, JSON.stringify(found));
      await rename(partial, kept);
    }
    return found;
  }

  /** Folder in the cache that has the downloaded files of the address's commit under their paths. */
  snapshotFolder(address: HubAddress): string {
    return join(this.#folderOf(address), 'snapshots', address.revision);
  }

  /**
   * Downloads files that the cache lacks. A file appears whole or not at all.
   * @param address with a commit as its revision
   * @throws DISK_FULL before the download starts; NOT_FOUND, HUB_REFUSED, HUB_UNREACHABLE
   */
  async download(address: HubAddress, files: readonly HubFile[], onBytes: OnBytes): Promise<void> {
    await mkdir(join(this.#folderOf(address), 'blobs'), { recursive: true });
    await this.#requireSpace(address, files);
    for (const file of files) await this.#downloadOne(address, file, onBytes);
  }

  async #downloadOne(address: HubAddress, file: HubFile, onBytes: OnBytes): Promise<void> {
    const link = join(this.snapshotFolder(address), file.path);
    if (await exists(link)) return;
    const blob = this.#blobPath(address, file);
    if (!(await exists(blob))) await this.#asking(address, () => this.#transfer(address, file, blob, onBytes));
    await mkdir(dirname(link), { recursive: true });
    await symlink(relative(dirname(link), blob), link).catch(async (error: unknown) => {
      // Another process may have made it.
      if (!(await exists(link))) throw error;
    });
  }

  /** Several processes may transfer one file: each writes the same bytes to the same places. */
  async #transfer(address: HubAddress, file: HubFile, blob: string, onBytes: OnBytes): Promise<void> {
    const partial = `${blob}.incomplete`;
    let reported = 0;
    const report = (at: number): void => {
      onBytes(at - reported);
      reported = at;
    };
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#continue(address, file, partial, report);
        break;
      } catch (error) {
        const coded = hubError(error, address, this.#settings);
        if (attempt === attemptCountMax || !(coded instanceof MtrlError) || coded.code !== 'HUB_UNREACHABLE')
          throw coded;
      }
    }
    if ((await blobName(partial, file)) !== file.blob) {
      await rm(partial, { force: true });
      throw unreachable(
        'a downloaded file differs from what the Hub lists',
        this.#placeOf(address, file),
        'other bytes',
      );
    }
    await rename(partial, blob).catch(async (error: unknown) => {
      if (!(await exists(blob))) throw error;
    });
  }

  async #continue(address: HubAddress, file: HubFile, partial: string, report: (at: number) => void): Promise<void> {
    const handle = await open(partial, 'a+').then(async (created) => {
      await created.close();
      return open(partial, 'r+');
    });
    try {
      let at = Math.min((await handle.stat()).size, file.byteLength);
      report(at);
      if (at === file.byteLength) return;
      const { type, name, revision } = address;
      const whole = await downloadFile({ ...this.#options(), repo: { type, name }, path: file.path, revision });
      if (whole === null)
        throw new MtrlError('NOT_FOUND', 'the Hub has no such file', { where: this.#placeOf(address, file) });
      const body = whole.slice(at, file.byteLength).stream() as ReadableStream<Uint8Array>;
      const reader = body.getReader();
      for (;;) {
        const { done, value } = await idleAtMost(reader.read(), this.#placeOf(address, file));
        if (done) break;
        await handle.write(value, 0, value.byteLength, at);
        at += value.byteLength;
        report(at);
      }
      if (at < file.byteLength)
        throw unreachable('a download was cut', this.#placeOf(address, file), `${at} of ${file.byteLength} bytes`);
    } finally {
      await handle.close();
    }
  }

  async #requireSpace(address: HubAddress, files: readonly HubFile[]): Promise<void> {
    let needed = 0;
    for (const file of files) {
      const blob = this.#blobPath(address, file);
      if (await exists(blob)) continue;
      const there = await stat(`${blob}.incomplete`).catch(() => undefined);
      needed += Math.max(0, file.byteLength - (there?.size ?? 0));
    }
    const folder = this.#folderOf(address);
    const { bavail, bsize } = await statfs(folder);
    if (needed <= bavail * bsize) return;
    throw new MtrlError('DISK_FULL', 'the disk has too little space for the download', {
      where: folder,
      found: `${needed} bytes are needed, ${bavail * bsize} are free`,
      hint: 'free some space, or set HF_HOME to a folder on a larger disk',
    });
  }

  async #asking<T>(address: HubAddress, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw hubError(error, address, this.#settings);
    }
  }

  #options() {
    const { endpoint, token } = this.#settings;
    return { hubUrl: endpoint, fetch: fetchFor(endpoint), ...(token !== undefined && { accessToken: token }) };
  }

  #folderOf({ type, name }: HubAddress): string {
    return join(this.#settings.cacheFolder, [`${type}s`, ...name.split('/')].join('--'));
  }

  #blobPath(address: HubAddress, { blob }: HubFile): string {
    return join(this.#folderOf(address), 'blobs', blob);
  }

  #placeOf(address: HubAddress, { path }: HubFile): string {
    return hubAddressText({ ...address, path });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Git names small files by sha1 of a header and their bytes; large ones are named by sha256. */
async function blobName(path: string, { byteLength, blob }: HubFile): Promise<string> {
  const isGit = blob.length === 40;
  const hash = createHash(isGit ? 'sha1' : 'sha256');
  if (isGit) hash.update(`blob ${byteLength}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function idleAtMost<T>(work: Promise<T>, where: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const idle = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(unreachable('a download stands still', where, `no bytes for ${idleMsMax / 1000} s`));
    }, idleMsMax);
  });
  try {
    return await Promise.race([work, idle]);
  } finally {
    clearTimeout(timer);
  }
}
