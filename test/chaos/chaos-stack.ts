/** Everything that one chaos plan disturbs: both servers behind proxies, and workers of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3ObjectStore } from '../../artifacts/store/s3-object-store.ts';
import { ensureBucket } from '../../infra/stack/minio.ts';
import type { StoreSettings } from '../../infra/stack/s3-settings.ts';
import { childEnv, type StackSettings } from '../../infra/stack/settings.ts';
import type { WorkerName } from '../../infra/stack/workers.ts';
import { SmallDisk } from '../support/small-disk.ts';
import type { ChaosServers, ServerDisks, ServerName } from './chaos-servers.ts';
import { type Mischief, StoreProxy, type StoreProxyHooks } from './store-proxy.ts';
import { TemporalProxy } from '../support/temporal-proxy.ts';
import { WorkerProcess } from './worker-process.ts';

export interface ChaosStackOptions {
  /** Folder of the compiled project that the workers run. */
  readonly build: string;
  readonly hooks: StoreProxyHooks;
}

/** File systems that can be filled. */
export interface ChaosDisks extends ServerDisks {
  /** The folders of both workers. */
  readonly workers: SmallDisk;
}

export type DiskName = keyof ChaosDisks;

interface Parts {
  readonly servers: ChaosServers;
  readonly storeProxy: StoreProxy;
  readonly temporalProxy: TemporalProxy;
  readonly build: string;
  readonly home: string;
  readonly clocks: string;
  readonly disks: ChaosDisks | undefined;
}

/** The same for all plans: refs name their bucket, and documents with refs shall have the same digest. */
const bucket = 'chaos';

/** Requests to be disturbed that do not come within this time do not come at all. */
const armedMsMax = 20_000;
/** What is in flight when a worker stops reaches the store. */
const inFlightMs = 1_000;
/** A server may hand a task to a worker that has stopped, three times if that has as many polls open: 15 s each. */
const takenOverMsMax = 60_000;

export class ChaosStack {
  readonly storeProxy: StoreProxy;
  readonly temporalProxy: TemporalProxy;
  readonly control: WorkerProcess;
  readonly compute: WorkerProcess;
  /** Of the servers themselves, for those who watch. */
  readonly settings: StackSettings;
  /** undefined where file systems cannot be mounted. */
  readonly disks: ChaosDisks | undefined;

  readonly #servers: ChaosServers;
  readonly #build: string;
  readonly #home: string;
  /** Folder with the clock of each worker. */
  readonly #clocks: string;
  readonly #more: WorkerProcess[] = [];

  private constructor(name: string, { servers, storeProxy, temporalProxy, build, ...rest }: Parts) {
    this.storeProxy = storeProxy;
    this.temporalProxy = temporalProxy;
    this.#servers = servers;
    this.#build = build;
    this.#home = rest.home;
    this.#clocks = rest.clocks;
    this.disks = rest.disks;
    const { settings } = servers;
    const s3 = { ...settings.s3, bucket };
    this.settings = { ...settings, s3, taskQueues: { control: name, compute: `${name}-compute` } };
    this.control = this.#startWorker('control', 'control');
    this.compute = this.#startWorker('compute', 'compute');
  }

  static async start(servers: ChaosServers, name: string, { build, hooks }: ChaosStackOptions): Promise<ChaosStack> {
    const { s3, temporal } = servers.settings;
    await emptyBucket({ ...s3, bucket });
    const [storeProxy, temporalProxy, home, clocks] = await Promise.all([
      StoreProxy.start(s3.endpoint, hooks),
      TemporalProxy.start(temporal.address),
      mkdtemp(join(servers.home, 'workers-')),
      mkdtemp(join(tmpdir(), 'mtrl-clocks-')),
    ]);
    const disks = servers.disks && { ...servers.disks, workers: SmallDisk.mount(home) };
    return new ChaosStack(name, { servers, storeProxy, temporalProxy, build, home, clocks, disks });
  }

  killServer(name: ServerName): Promise<void> {
    return this.#servers.kill(name);
  }

  startSecondCompute(): void {
    this.#more.push(this.#startWorker('compute', `compute-${String(this.#more.length + 2)}`));
  }

  /** Resolves to whether any request met the mischief, when as many as wanted have, or no more come. */
  async disturbStore(mischief: Mischief, count: number): Promise<boolean> {
    const before = this.storeProxy.countOf(mischief);
    this.storeProxy.arm(mischief, count);
    for (let waitedMs = 0; waitedMs < armedMsMax; waitedMs += 100) {
      if (this.storeProxy.countOf(mischief) >= before + count) break;
      await sleep(100);
    }
    return this.storeProxy.countOf(mischief) > before;
  }

  /** Resolves to whether compute workers write after this, when one does or none has for some time. */
  async computeGoesOn(): Promise<boolean> {
    await sleep(inFlightMs);
    const before = this.storeProxy.writeCountOf('compute');
    const goesOn = (): boolean => this.storeProxy.writeCountOf('compute') > before;
    for (let waitedMs = 0; !goesOn() && waitedMs < takenOverMsMax; waitedMs += 100) await sleep(100);
    return goesOn();
  }

  async stop(): Promise<void> {
    await Promise.all([this.control, this.compute, ...this.#more].map((worker) => worker.stop()));
    await Promise.all([this.storeProxy.stop(), this.temporalProxy.stop()]);
    this.disks?.workers.unmount();
    for (const folder of [this.#home, this.#clocks]) await rm(folder, { recursive: true, force: true });
  }

  #startWorker(name: WorkerName, folder: string): WorkerProcess {
    const { s3, taskQueues } = this.settings;
    const env = childEnv({
      MTRL_HOME: join(this.#home, folder),
      TMPDIR: this.#home,
      TEMPORAL_ADDRESS: this.temporalProxy.address,
      MTRL_TASK_QUEUE: taskQueues.control,
      MTRL_S3_ENDPOINT: this.storeProxy.endpointFor(name),
      MTRL_S3_BUCKET: s3.bucket,
      AWS_ACCESS_KEY_ID: s3.accessKey,
      AWS_SECRET_ACCESS_KEY: s3.secretKey,
    });
    return new WorkerProcess({ name, build: this.#build, env, clockFile: join(this.#clocks, folder) });
  }
}

async function emptyBucket(settings: StoreSettings): Promise<void> {
  await ensureBucket(settings, true);
  const objects = new S3ObjectStore(settings);
  const keys: string[] = [];
  for await (const { key } of objects.list('')) keys.push(key);
  await objects.remove(keys);
}
