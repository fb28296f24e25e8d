/** A server on the demo's base checkpoint, and rows of the demo's world to judge. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { readWorld } from '../../judge/datasets/read-world.ts';
import type { Example } from '../../judge/example.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../serve/server.ts';

export const demo = loadRecipeFile('recipes/demo.yaml', []);

export interface DemoServer extends RunningServer {
  readonly folder: string;
  readonly store: ArtifactStore;
  /** Sends a body as JSON. */
  post(path: string, body: unknown, init?: RequestInit): Promise<{ status: number; headers: Headers; body: never }>;
}

export async function demoServer(options: Partial<ServerOptions> = {}): Promise<DemoServer> {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-serve-'));
  const store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')));
  const server = await startServer({
    ...{ store, log: pino({ enabled: false }), environment: {}, spoolFolder: folder, engineCount: 1, threadCount: 2 },
    find: () => Promise.resolve({ name: 'demo', recipe: demo.parsed, mode: 'think' }),
    ...{ mayChange: false, host: '127.0.0.1', port: 0, tokenFolder: join(folder, 'tokens'), pictureHosts: [] },
    auditFolder: join(folder, 'audit'),
    ...options,
  });
  return {
    ...{ ...server, folder, store },
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
    post: async (path, body, init) => {
      const response = await fetch(`${server.address}${path}`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
        ...init,
      });
      return { status: response.status, headers: response.headers, body: (await response.json()) as never };
    },
  };
}

export interface WorldRow {
  readonly id: string;
  readonly fields: Example['fields'];
  readonly label: string;
  /** PNG. */
  readonly pictures: readonly Uint8Array[];
}

/** Examples of a task of the demo. */
export async function worldRows(task: string, exampleCount: number): Promise<WorldRow[]> {
  const rows: WorldRow[] = [];
  const spec = demo.parsed.datasets.find((one) => one.reader === 'judge-world');
  if (spec?.reader !== 'judge-world') throw new Error('the demo has a judge world');
  for await (const batch of readWorld({ ...spec, tasks: [task], split: 'test', exampleCount, seed: 7 })) {
    for (const { outcome, images } of batch) {
      if (outcome instanceof Error) throw outcome;
      const pictures = images.flatMap(({ bytes }) => bytes ?? []);
      const { id, fields, label } = outcome;
      rows.push({ id: id.replaceAll('/', '-'), fields, label, pictures });
    }
  }
  return rows;
}

export function dataUri(picture: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(picture).toString('base64')}`;
}

/** The row as a member of a request to /v1/judge. */
export function judgeRow({ id, fields, pictures }: Omit<WorldRow, 'label'>) {
  return { id, fields, images: pictures.map(dataUri) };
}
