/**
 * Bearer tokens: a file each, named by the digest of the token, so that a lookup is one read and the removal of a file
 * revokes its token at once. The tokens themselves are kept nowhere.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonBytes } from '../artifacts/codecs/json-value.ts';
import { type Format, inFormat } from '../artifacts/format.ts';
import { errnoOf } from '../artifacts/store/errno.ts';
import { MtrlError } from '../core/errors.ts';
import { sha256 } from '../core/json.ts';

export interface TokenInfo {
  /** First digits of the digest. */
  readonly id: string;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

const idLength = 12;

/** What a later version may add could restrict the token: it is not to be ignored. */
const tokenFormat: Format<Omit<TokenInfo, 'id'>> = {
  ...{ what: 'the token', schema: 1, isImplicit: true },
  again: 'delete the file, and make another token',
};

export class Tokens {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns the new token, which cannot be shown again. */
  async add(name: string, createdAt: string): Promise<string> {
    const token = `mtrl_${randomBytes(32).toString('base64url')}`;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFile(this.#fileOf(sha256(token)), JSON.stringify({ name, createdAt }), { mode: 0o600, flag: 'wx' });
    return token;
  }

  /** By the time of their creation. */
  async list(): Promise<TokenInfo[]> {
    const digests = await this.#digests();
    const found = await Promise.all(digests.map((digest) => this.#read(digest)));
    return found.flatMap((info) => info ?? []).sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  /** By id or name. Throws NOT_FOUND, USAGE if several tokens have the name. */
  async revoke(named: string): Promise<TokenInfo> {
    const all = await this.list();
    const [found, ...others] = all.filter(({ id, name }) => id === named || name === named);
    const hint = `\`mtrl serve token list\` shows ${all.map(({ id, name }) => `${id} (${name})`).join(', ') || 'none'}`;
    if (found === undefined) throw new MtrlError('NOT_FOUND', 'there is no such token', { found: named, hint });
    if (others.length > 0) throw new MtrlError('USAGE', 'several tokens have this name', { found: named, hint });
    const digest = (await this.#digests()).find((each) => each.startsWith(found.id));
    if (digest !== undefined) await rm(this.#fileOf(digest), { force: true });
    return found;
  }

  /** What is known of the token; undefined if it is none, or revoked. Throws FORMAT_UNSUPPORTED. */
  async find(token: string): Promise<TokenInfo | undefined> {
    return this.#read(sha256(token));
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#digests()).length === 0;
  }

  #fileOf(digest: string): string {
    return join(this.#folder, `${digest}.json`);
  }

  async #digests(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(orIfMissing([]));
    return names.flatMap((name) => /^([0-9a-f]{64})\.json$/.exec(name)?.[1] ?? []);
  }

  async #read(digest: string): Promise<TokenInfo | undefined> {
    const text = await readFile(this.#fileOf(digest), 'utf8').catch(orIfMissing(undefined));
    if (text === undefined) return undefined;
    const value = parseJsonBytes(Buffer.from(text));
    return { id: digest.slice(0, idLength), ...inFormat(tokenFormat, value, this.#fileOf(digest)) };
  }
}

function orIfMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (errnoOf(error) === 'ENOENT') return value;
    throw error;
  };
}
