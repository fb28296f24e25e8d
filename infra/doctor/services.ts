/** Checks of Temporal and its search attributes, of the store with bucket and conditional PUT, and of the workers. */
import type { Connection } from '@temporalio/client';
import { MtrlError } from '../../core/errors.ts';
import type { DoctorCheck } from './doctor.ts';
import { livingDaemon, logFileOf, readDaemon } from '../process/daemon.ts';
import { type ConditionalWrites, conditionalWrites } from '../stack/conditional-writes.ts';
import { storeClient } from '../stack/minio.ts';
import type { StackSettings } from '../stack/settings.ts';
import { refreshesAge } from '../stack/refreshed-age.ts';
import { proveStore } from '../stack/store-proof.ts';
import { temporalClient } from '../stack/temporal-client.ts';
import { proveTemporal } from '../stack/temporal-proof.ts';
import { missingSearchAttributes, searchAttributeNames, withConnection } from '../stack/temporal.ts';
import { unpolledQueues, unpolledText, workflowsOf } from '../stack/unpolled-queues.ts';
import { isReady, waitingReason, type WorkerName, workerNames } from '../stack/workers.ts';

const startHint = 'run `npm run mtrl -- up`';

export async function checkServices(home: string, settings: StackSettings | Error): Promise<DoctorCheck[]> {
  if (settings instanceof Error) {
    return [{ name: 'stack', status: 'warn', found: settings.message, hint: startHint }];
  }
  const [temporal, store] = await Promise.all([checkTemporal(settings), checkStore(settings.s3)]);
  const queue: DoctorCheck = { name: 'task queue', status: 'ok', found: settings.taskQueues.control };
  return [...temporal, queue, ...store, ...workerNames.map((name) => checkWorker(home, name))];
}

async function checkTemporal(settings: StackSettings): Promise<DoctorCheck[]> {
  const name = 'temporal server';
  const target = settings.temporal;
  try {
    return await withConnection(target, 5_000, async (connection) => {
      await proveTemporal(connection, target);
      const info = await connection.workflowService.getSystemInfo({});
      const missing = await missingSearchAttributes(connection, target.namespace);
      const ui = target.uiUrl === undefined ? '' : `, Web UI ${target.uiUrl}`;
      return [
        {
          name,
          status: 'ok',
          found: `${target.address}, namespace ${target.namespace}, version ${info.serverVersion}${ui}`,
        },
        missing.length === 0
          ? { name: 'search attributes', status: 'ok', found: searchAttributeNames.join(', ') }
          : {
              name: 'search attributes',
              status: 'warn',
              found: `missing: ${missing.map(({ name }) => name).join(', ')}`,
              hint: startHint,
            },
        await checkPolled(connection, settings),
      ];
    });
  } catch (error) {
    return [
      {
        name,
        status: 'warn',
        found: `${target.address}: ${firstLine(error)}`,
        hint: unreachable(target.uiUrl, 'TEMPORAL_ADDRESS'),
      },
    ];
  }
}

/** Of the work that waits now: which pools a recipe needs is not known before. */
async function checkPolled(connection: Connection, settings: StackSettings): Promise<DoctorCheck> {
  const name = 'polled queues';
  const client = temporalClient(connection, settings.temporal);
  const unpolled = await unpolledQueues(client, workflowsOf(settings)).catch((error: unknown) => firstLine(error));
  if (typeof unpolled === 'string') return { name, status: 'warn', found: unpolled, hint: 'run the command again' };
  if (unpolled.length === 0) return { name, status: 'ok', found: 'no task waits for a worker that is not there' };
  const found = unpolled.map((queue) => unpolledText(queue, settings.taskQueues)).join('\n');
  return { name, status: 'warn', found, hint: 'start the workers, or cancel the experiments that wait for them' };
}

async function checkStore(target: StackSettings['s3']): Promise<DoctorCheck[]> {
  const name = 'store';
  try {
    await proveStore(target);
    const hasBucket = await storeClient(target, { timeoutMs: 5_000 }).bucketExists(target.bucket);
    const console = target.consoleUrl === undefined ? '' : `, console ${target.consoleUrl}`;
    const server: DoctorCheck = { name, status: 'ok', found: `${target.endpoint}${console}` };
    if (!hasBucket)
      return [server, { name: 'bucket', status: 'warn', found: `no bucket ${target.bucket}`, hint: startHint }];
    const bucket: DoctorCheck = { name: 'bucket', status: 'ok', found: target.bucket };
    return [server, bucket, conditionalPut(await conditionalWrites(target)), age(await refreshesAge(target))];
  } catch (error) {
    return [
      {
        name,
        status: 'warn',
        found: `${target.endpoint}: ${firstLine(error)}`,
        hint: unreachable(target.consoleUrl, 'MTRL_S3_ENDPOINT'),
      },
    ];
  }
}

function conditionalPut({ ifNoneMatch, ifMatch }: ConditionalWrites): DoctorCheck {
  const name = 'conditional PUT';
  if (ifNoneMatch && ifMatch) return { name, status: 'ok', found: 'If-None-Match: * and If-Match are honoured' };
  const ignored = [
    ...(ifNoneMatch ? [] : ['If-None-Match: * is ignored: two workers could both commit the same work']),
    ...(ifMatch ? [] : ['If-Match is ignored: a promotion or a lease could overwrite another one']),
  ];
  const hint = 'use a store that honours both (MinIO, AWS S3, versitygw)';
  return { name, status: 'fail', found: ignored.join('\n'), hint };
}

function age(isRefreshed: boolean): DoctorCheck {
  const name = 'age of objects';
  if (isRefreshed) return { name, status: 'ok', found: 'a cache hit refreshes it' };
  const found = 'a cache hit does not refresh it: garbage collection may delete what a run has just reused';
  return { name, status: 'warn', found, hint: 'run `mtrl gc` while no experiment runs' };
}

function checkWorker(home: string, worker: WorkerName): DoctorCheck {
  const name = `${worker} worker`;
  const living = livingDaemon(home, worker);
  if (!living) {
    const record = readDaemon(home, worker);
    const found = record ? `process ${String(record.pid)} is gone; its log: ${logFileOf(home, worker)}` : 'not started';
    return { name, status: 'warn', found, hint: startHint };
  }
  if (isReady(home, living, worker)) return { name, status: 'ok', found: `process ${String(living.pid)}, ready` };
  return {
    name,
    status: 'warn',
    found: `process ${String(living.pid)}, ${waitingReason(home, living, worker) ?? 'not ready'}; its log: ${logFileOf(home, worker)}`,
    hint: startHint,
  };
}

function unreachable(localUrl: string | undefined, variable: string): string {
  return localUrl === undefined ? `check ${variable} and that server` : startHint;
}

function firstLine(error: unknown): string {
  if (error instanceof MtrlError) return `${error.message}: ${error.details.found ?? ''}`;
  const { code, message } = error as { code?: unknown; message?: string };
  const text = (message ?? '').split('\n')[0] ?? '';
  return text === '' && typeof code === 'string' ? code : text;
}
