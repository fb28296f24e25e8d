/** A local server that speaks the routes of the Hugging Face Hub: revisions, lists of files, contents by range. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRepository {
  readonly type: 'models' | 'datasets';
  /** `org/name`. */
  readonly name: string;
  /** Branch -> commit. */
  readonly branches: Record<string, string>;
  /** Content by path; those of at least `largeByteLength` bytes are stored as large files are. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly gated?: boolean;
}

const largeByteLength = 1000;

export class HubServer {
  readonly repositories: HubRepository[] = [];
  /** Requests for contents, as `path range`. */
  readonly requests: string[] = [];
  /** Committed files by repository and path. */
  readonly committed = new Map<string, Uint8Array>();
  /** Repositories that were created, with what was asked for. */
  readonly created: unknown[] = [];
  readonly #uploads = new Map<string, Uint8Array>();
  /** Number of bytes after which the next content is cut; undefined: none is. */
  cutAfter: number | undefined;
  /** Replaces the bytes of contents. */
  spoil = (bytes: Uint8Array): Uint8Array => bytes;
  #server: Server | undefined;

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.#answer(request, response);
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server?.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', this.endpoint);
    const path = decodeURIComponent(url.pathname);
    if (request.method !== 'GET') {
      void this.#write(request, response, path);
      return;
    }
    const repository = this.repositories.find(({ name }) => path.includes(`/${name}/`));
    if (repository === undefined) return json(response, 404, { error: 'Repository not found' });
    if (repository.gated === true && request.headers.authorization === undefined)
      return json(response, 401, { error: `Access to model ${repository.name} is restricted` });
    const { type, name } = repository;
    const commitOf = (revision: string): string | undefined =>
      repository.branches[revision] ?? Object.values(repository.branches).find((commit) => commit === revision);
    const [, info] = new RegExp(`^/api/${type}/${name}/revision/(.+)$`).exec(path) ?? [];
    const [, tree] = new RegExp(`^/api/${type}/${name}/tree/([^/]+)$`).exec(path) ?? [];
    const prefix = type === 'models' ? '' : `/${type}`;
    const [, revision, file] = new RegExp(`^${prefix}/${name}/resolve/([^/]+)/(.+)$`).exec(path) ?? [];
    const commit = commitOf(info ?? tree ?? revision ?? '');
    if (commit === undefined) return json(response, 404, { error: 'Invalid rev id' });
    if (info !== undefined)
      return json(response, 200, { _id: 'x', id: name, sha: commit, lastModified: '2026-01-01T00:00:00.000Z' });
    if (tree !== undefined) return json(response, 200, entriesOf(repository));
    this.#content(request, response, repository.files[file ?? '']);
  }

  /** Creation, the question which files are large, uploads of these, and the commit. */
  async #write(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const body = Buffer.concat(chunks);
    if (request.method === 'PUT') {
      this.#uploads.set(path.split('/').at(-1) ?? '', body);
      return void response.writeHead(200, { ETag: '"x"' }).end();
    }
    if (!request.headers.authorization?.includes('hf_writer')) {
      json(response, 403, { error: 'Forbidden' });
      return;
    }
    if (path === '/api/repos/create') {
      this.created.push(JSON.parse(body.toString()));
      json(response, 200, { url: 'created', id: 'x' });
      return;
    }
    if (path.includes('/preupload/')) {
      const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number }[] };
      const mode = (size: number): string => (size >= largeByteLength ? 'lfs' : 'regular');
      json(response, 200, {
        files: files.map(({ path: file, size }) => ({ path: file, uploadMode: mode(size) })),
      });
      return;
    }
    if (path.endsWith('/objects/batch')) {
      const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
      const actions = (oid: string) => ({ upload: { href: `${this.endpoint}/upload/${oid}` } });
      json(response, 200, {
        transfer: 'basic',
        objects: objects.map((each) => ({ ...each, actions: actions(each.oid) })),
      });
      return;
    }
    for (const line of body.toString().trim().split('\n')) {
      const { key, value } = JSON.parse(line) as { key: string; value: { path: string; content: string; oid: string } };
      const content = key === 'file' ? Buffer.from(value.content, 'base64') : this.#uploads.get(value.oid);
      if (key !== 'header' && content !== undefined) this.committed.set(value.path, content);
    }
    json(response, 200, { commitOid: 'd'.repeat(40), commitUrl: 'there', success: true });
  }

  #content(request: IncomingMessage, response: ServerResponse, stored: Uint8Array | undefined): void {
    if (stored === undefined) {
      response.setHeader('X-Error-Code', 'EntryNotFound');
      return json(response, 404, { error: 'Entry not found' });
    }
    const bytes = this.spoil(stored);
    const [, start = '0', end = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const from = Number(start);
    const to = end === '' ? bytes.byteLength - 1 : Math.min(Number(end), bytes.byteLength - 1);
    const part = bytes.subarray(from, to + 1);
    const isProbe = request.headers.range === 'bytes=0-0';
    if (!isProbe) this.requests.push(`${request.url?.split('/').at(-1) ?? ''} ${request.headers.range ?? 'whole'}`);
    response.writeHead(206, {
      'Content-Range': `bytes ${from}-${to}/${bytes.byteLength}`,
      'Content-Length': part.byteLength,
      ETag: '"x"',
    });
    if (isProbe || this.cutAfter === undefined || part.byteLength <= this.cutAfter) {
      response.end(part);
      return;
    }
    const kept = part.subarray(0, this.cutAfter);
    this.cutAfter = undefined;
    response.write(kept, () => {
      setTimeout(() => response.destroy(), 50);
    });
  }
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function entriesOf({ files }: HubRepository) {
  return Object.entries(files).map(([path, bytes]) => {
    const oid = createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
    const entry = { type: 'file', path, size: bytes.byteLength, oid };
    if (bytes.byteLength < largeByteLength) return entry;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { ...entry, lfs: { oid: sha256, size: bytes.byteLength, pointerSize: 130 } };
  });
}
