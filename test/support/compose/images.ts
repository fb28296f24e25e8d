/**
 * What the images of infra/compose.yaml hold, as programs of this machine: the table by which its services are started
 * without containers. Where an image's entrypoint does more than start its program, its source is named.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../../../core/project.ts';
import { compiled } from '../compiled.ts';
import { runProcess, type User } from './processes.ts';
import type { TemporalPrograms } from './temporal-programs.ts';

/** In place of a container. */
export interface Container {
  readonly address: string;
  /** For what is not in a volume. */
  readonly folder: string;
  /** The path of this machine for one of the container. Throws if nothing is mounted there. */
  readonly mounted: (path: string) => string;
}

type Env = Readonly<Record<string, string>>;

interface Program {
  readonly command: readonly string[];
  /** Beside that of the file. */
  readonly env?: Env;
  readonly cwd?: string;
  readonly user?: User;
}

export interface Image {
  /** Ports that it listens on -> those at its own address of this machine. */
  readonly ports: Readonly<Record<number, number>>;
  /** Paths of the image -> those of this machine. */
  readonly paths?: Env;
  /** Docker's own default is SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** @param args the file's entrypoint and command, translated */
  readonly program: (args: readonly string[], container: Container, env: Env) => Program | Promise<Program>;
}

/** An image that is not started here, and why. */
export interface Absent {
  readonly absent: string;
}

export interface Programs {
  readonly temporal: string;
  readonly minio: string;
  /** Free ports at 127.0.0.1, where MinIO listens whatever its address is: the usual ones are the user's. */
  readonly minioPorts: readonly [api: number, console: number];
  /** Of Temporal's dev server, at 127.0.0.1. */
  readonly temporalPort: number;
  /** Without them, Temporal's dev server stands in for the server, its schema and its database. */
  readonly database?: TemporalPrograms | undefined;
}

export type ImageTable = Readonly<Record<string, Image | Absent>>;

/** By name, without the tag. */
export function imagesOf({ temporal, minio, minioPorts, temporalPort, database }: Programs): ImageTable {
  const [apiPort, consolePort] = minioPorts;
  return {
    postgres: database === undefined ? devServerInstead : postgres(database),
    'temporalio/admin-tools': adminTools(temporal, database),
    'temporalio/server': database === undefined ? devServer(temporal, temporalPort) : temporalServer(database),
    'minio/minio': {
      ports: { 9000: apiPort, 9001: consolePort },
      // dockerscripts/docker-entrypoint.sh of minio: `minio "$@"`. By default it listens on all addresses.
      program: (args, { address }) => ({ command: [minio, ...args, '--address', `${address}:${String(apiPort)}`] }),
    },
    'mt-rl-judge': project,
    'temporalio/ui': { absent: 'no service needs it, and the program is not here' },
    'prom/prometheus': { absent: 'finds the workers by DNS of compose; see test/end-to-end/monitoring.test.ts' },
    'grafana/grafana': { absent: 'no service needs it, and the program is not here' },
  };
}

export const devServerInstead: Absent = { absent: "Temporal's dev server stands in for it (npm run test:compose)" };

/** Without waiting for the disk, on which nothing has to outlive this machine. */
const unsynced = ['fsync', 'synchronous_commit', 'full_page_writes'].flatMap((name) => ['-c', `${name}=off`]);

/** docker-entrypoint.sh of postgres: a cluster in an empty volume, and a database with the user's name. */
function postgres({ postgresFolder, postgresUser: user }: TemporalPrograms): Image {
  const own = (path: string): void => {
    chownSync(path, user.uid, user.gid);
    chmodSync(path, 0o700);
  };
  return {
    ports: { 5432: 5432 },
    stopSignal: 'SIGINT',
    program: async (
      _,
      { address, folder, mounted },
      { POSTGRES_USER: name = '', POSTGRES_PASSWORD: password = '' },
    ) => {
      const data = mounted('/var/lib/postgresql/data');
      own(folder);
      own(data);
      const done = async (program: string, args: readonly string[], input?: string): Promise<void> => {
        const command = [join(postgresFolder, program), ...args];
        const log = join(dirname(folder), 'initdb.log');
        const { code } = await runProcess({
          command,
          env: {},
          cwd: folder,
          log,
          user,
          ...(input !== undefined && { input }),
        });
        if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${readFileSync(log, 'utf8')}`);
      };
      if (!existsSync(join(data, 'PG_VERSION'))) {
        const passwordFile = join(folder, 'password');
        writeFileSync(passwordFile, password);
        own(passwordFile);
        const access = [`--pwfile=${passwordFile}`, '--auth-host=scram-sha-256', '--auth-local=trust'];
        await done('initdb', ['--no-sync', `--pgdata=${data}`, `--username=${name}`, ...access]);
        await done('postgres', ['--single', ...unsynced, '-D', data, 'postgres'], `CREATE DATABASE "${name}"\n`);
      }
      const listening = ['-c', `listen_addresses=${address}`, '-c', `unix_socket_directories=${folder}`];
      return { command: [join(postgresFolder, 'postgres'), '-D', data, ...unsynced, ...listening], user };
    },
  };
}

/** Of the schema's tools: the file's entrypoint is a shell, which finds them on PATH. */
function adminTools(temporal: string, database: TemporalPrograms | undefined): Image {
  const tools = database === undefined ? [temporal] : [temporal, database.sqlTool];
  const path = [...tools.map((tool) => dirname(tool)), process.env['PATH']].join(':');
  return {
    ports: {},
    paths: { '/bin/sh': '/bin/sh', ...(database && { '/etc/temporal/schema': database.schemaFolder }) },
    program: (command) => ({ command, env: { PATH: path } }),
  };
}

/** docker/scripts/sh/entrypoint.sh of temporal: the container's address is that of its host name. */
function temporalServer({ server }: TemporalPrograms): Image {
  return {
    ports: { 7233: 7233 },
    program: (_, { address, mounted }) => {
      // The path is the server's default.
      const settings = mounted('/etc/temporal/config/dynamicconfig/docker.yaml');
      const env = { TEMPORAL_BROADCAST_ADDRESS: address, DYNAMIC_CONFIG_FILE_PATH: settings };
      return { command: [server, 'start'], env };
    },
  };
}

function devServer(temporal: string, port: number): Image {
  return {
    ports: { 7233: 7233 },
    program: (_, { address, folder }) => {
      const relay = [process.execPath, compiled('test/support/compose/dev-server.ts'), address, '7233', String(port)];
      const where = ['--port', String(port), '--db-filename', join(folder, 'temporal.db')];
      return { command: [...relay, temporal, 'server', 'start-dev', '--headless', '--log-level', 'error', ...where] };
    },
  };
}

const dockerfile = readFileSync(join(projectRoot, 'infra', 'Dockerfile'), 'utf8');

function instructionOf(name: string): string {
  const [, text] = new RegExp(`^${name} (.+)$`, 'm').exec(dockerfile) ?? [];
  if (text === undefined) throw new Error(`infra/Dockerfile has no ${name}`);
  return text;
}

/** infra/Dockerfile. */
const project: Image = {
  ports: Object.fromEntries(
    instructionOf('EXPOSE')
      .split(' ')
      .map((port) => [Number(port), Number(port)]),
  ),
  stopSignal: instructionOf('STOPSIGNAL') as NodeJS.Signals,
  program: ([program = '', ...args], { folder }) => {
    const [, source] = /^dist\/(.+)\.js$/.exec(program) ?? [];
    if (source === undefined || instructionOf('ENTRYPOINT') !== '["node"]')
      throw new Error(`infra/compose.yaml and infra/Dockerfile run ${program}, not a file of dist/ with node`);
    const [home, cache] = [join(folder, 'home'), join(folder, 'cache')];
    for (const made of [home, cache]) mkdirSync(made, { recursive: true });
    const env = { NODE_ENV: 'production', MTRL_HOME: home, XDG_CACHE_HOME: cache };
    return { command: [process.execPath, compiled(`${source}.ts`), ...args], env, cwd: projectRoot };
  },
};
