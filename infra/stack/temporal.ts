/** The stack's Temporal: the dev server, and what a namespace needs before the project's workflows run in it. */
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { searchAttributes } from '../../contract/search-attributes.ts';
import { findOrMakeBinary } from '../binaries/binaries.ts';
import { host } from './ports.ts';
import type { Log, ServerSpec } from './server.ts';
import { codecAddressOf } from '../payloads/codec-server.ts';
import { keyFileVariable } from '../payloads/key-ring.ts';
import { type Env, valueOf } from './env.ts';
import type { StackSettings } from './settings.ts';
import { assertAccepts } from './tcp.ts';
import { connectionOptions } from './temporal-settings.ts';

/** temporal.api.enums.v1.IndexedValueType by SDK name, and the same types as named on the server's command line. */
const valueTypes = { KEYWORD: 2, INT: 3, DOUBLE: 4 } as const;
const cliTypes = { KEYWORD: 'Keyword', INT: 'Int', DOUBLE: 'Double' } as const;

const attributes = Object.values(searchAttributes);
export const searchAttributeNames: readonly string[] = attributes.map(({ name }) => name);

/** The dev server's default, one day, would delete last week's experiments. */
const retentionSeconds = 90 * 24 * 3600;

type Target = StackSettings['temporal'];

export function temporalServer(
  home: string,
  target: Target,
  ports: { port: number; uiPort: number },
  env: Env,
  log: Log,
): ServerSpec {
  return {
    name: 'temporal',
    ...ports,
    data: {
      path: join(home, 'temporal.db'),
      damaged: /file is not a database|database disk image is malformed|SQLITE_(CORRUPT|NOTADB)/i,
    },
    daemon: async () => {
      const binary = await findOrMakeBinary('temporal', log);
      mkdirSync(home, { recursive: true });
      return {
        command: binary.path,
        args: [
          ...['server', 'start-dev', '--ip', host, '--ui-ip', host],
          ...['--port', String(ports.port), '--ui-port', String(ports.uiPort)],
          ...['--db-filename', join(home, 'temporal.db'), '--log-level', 'error'],
          ...['--namespace', target.namespace],
          ...(valueOf(env, keyFileVariable) === undefined ? [] : ['--ui-codec-endpoint', codecUrlOf(env)]),
          ...promptQueues.flatMap((setting) => ['--dynamic-config-value', setting]),
          ...fastFile.flatMap((setting) => ['--sqlite-pragma', setting]),
          // Only a new database applies these, usable at once; attributes added later take some seconds.
          ...attributes.flatMap(({ name, type }) => ['--search-attribute', `${name}=${cliTypes[type]}`]),
        ],
        cwd: home,
        // The CLI also reads TEMPORAL_* variables and a profile, which are not meant for this server.
        env: withoutPrefix(env, 'TEMPORAL_'),
      };
    },
    probe: async (timeoutMs) => {
      await withConnection(target, timeoutMs, async (connection) => {
        await connection.workflowService.describeNamespace({ namespace: target.namespace });
      });
    },
  };
}

/** Encrypted payloads are shown by way of a codec server on the user's machine (`mtrl codec-server`). */
function codecUrlOf(env: Env): string {
  const { host: name, port } = codecAddressOf(env);
  return `http://${name}:${String(port)}`;
}

/**
 * By default the server polls these queues at most 20 times a second, which delays every task by up to 50 ms at any
 * load. A training step is three activities in sequence. Those of infra/compose.yaml are in
 * infra/temporal/dynamic-config.yaml.
 */
export const promptQueues = [
  'history.transferProcessorMaxPollRPS=1000',
  'history.timerProcessorMaxPollRPS=1000',
  'history.visibilityProcessorMaxPollRPS=1000',
  // A workflow is deleted only after its closing tasks are acknowledged: by default `mtrl delete` took 20 to 35 s.
  'history.transferProcessorUpdateAckInterval="1s"',
  // Off by default; on, activities are handed out in the response to a workflow task (workflows/activity-options.ts).
  'system.enableActivityEagerExecution=true',
];

/**
 * Write-ahead logging, synced at checkpoints: a killed server loses nothing. A power failure may lose the last events
 * of a history; what then runs again finds its artifacts under their keys.
 */
const fastFile = ['journal_mode=wal', 'synchronous=1', 'wal_autocheckpoint=20000'];

export async function withConnection<T>(
  target: Target,
  timeoutMs: number,
  body: (connection: Connection) => Promise<T>,
): Promise<T> {
  const [, name = '', port = ''] = /^\[?(.+?)\]?:(\d+)$/.exec(target.address) ?? [];
  await assertAccepts(name, Number(port), timeoutMs);
  const connection = await Connection.connect({ ...connectionOptions(target), connectTimeout: timeoutMs });
  try {
    return await connection.withDeadline(Date.now() + timeoutMs, () => body(connection));
  } finally {
    await connection.close();
  }
}

/** Creates missing search attributes; on the local stack also the namespace, and raises its retention to 90 days. */
export async function prepareNamespace(target: Target, isLocal: boolean): Promise<void> {
  try {
    await withConnection(target, 15_000, async (connection) => {
      if (isLocal) await ensureNamespace(connection, target.namespace);
      const missing = await missingSearchAttributes(connection, target.namespace);
      if (missing.length > 0) {
        await connection.operatorService.addSearchAttributes({
          namespace: target.namespace,
          searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, valueTypes[type]])),
        });
      }
    });
  } catch (cause) {
    throw new MtrlError('TEMPORAL_UNREACHABLE', 'Temporal is not usable', {
      where: `${target.address}, namespace ${target.namespace}`,
      found: (cause as Error).message,
      hint: isLocal
        ? 'run `npm run mtrl -- up`'
        : `check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; the search attributes ${searchAttributeNames.join(', ')} must exist or be creatable there`,
      cause,
    });
  }
}

export async function missingSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<(typeof attributes)[number][]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return attributes.filter(({ name, type }) => Number(customAttributes[name]) !== valueTypes[type]);
}

async function ensureNamespace(connection: Connection, namespace: string): Promise<void> {
  const service = connection.workflowService;
  const retention = msToTs(retentionSeconds * 1000);
  const described = await service.describeNamespace({ namespace }).catch((error: unknown) => {
    if ((error as { code?: number }).code === grpcNotFound) return undefined;
    throw error;
  });
  if (!described) {
    await service.registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention });
  } else if (Number(described.config?.workflowExecutionRetentionTtl?.seconds ?? 0) < retentionSeconds) {
    await service.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl: retention } });
  }
}

const grpcNotFound = 5;

export function withoutPrefix(env: Env, prefix: string): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(prefix)));
}
