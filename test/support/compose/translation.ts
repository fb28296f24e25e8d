/**
 * Services of infra/compose.yaml as processes of this machine. A container's network address becomes a loopback address
 * of its own, so most ports stay as they are; a container's path becomes the folder that is mounted there. A service, volume,
 * port, path or variable that the tables do not know is an error.
 */
import { mkdirSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { composeFolder, type ComposeFile, type ComposeService, type Condition } from './compose-file.ts';
import { type Absent, devServerInstead, type Image, type ImageTable } from './images.ts';
import type { Command } from './processes.ts';

/**
 * Variables of containers, and what they hold: `text` has the same value here; `host` is a service; `places` have
 * addresses and paths.
 */
const variables: Readonly<Record<string, 'text' | 'host' | 'places'>> = {
  POSTGRES_USER: 'text',
  POSTGRES_PASSWORD: 'text',
  POSTGRES_PWD: 'text',
  POSTGRES_SEEDS: 'host',
  DB: 'text',
  DB_PORT: 'text',
  SQL_PLUGIN: 'text',
  SQL_HOST: 'host',
  SQL_PORT: 'text',
  SQL_USER: 'text',
  SQL_PASSWORD: 'text',
  BIND_ON_IP: 'places',
  TEMPORAL_ADDRESS: 'places',
  TEMPORAL_NAMESPACE: 'text',
  // For links in a browser of the host, not for containers.
  MTRL_TEMPORAL_UI_URL: 'text',
  MTRL_S3_ENDPOINT: 'places',
  MTRL_S3_BUCKET: 'text',
  AWS_ACCESS_KEY_ID: 'text',
  AWS_SECRET_ACCESS_KEY: 'text',
  MTRL_HEALTH_ADDRESS: 'places',
  MTRL_METRICS_ADDRESS: 'places',
  MINIO_ROOT_USER: 'text',
  MINIO_ROOT_PASSWORD: 'text',
};

/** Programs of health checks, which run in the container. */
const probes: Readonly<Record<string, (args: readonly string[]) => readonly string[]>> = {
  pg_isready: (args) => ['pg_isready', ...args],
  curl: (args) => ['curl', ...args],
  node: (args) => [process.execPath, ...args],
  nc: ([flag, host = '', port = '', ...more]) => {
    if (flag !== '-z' || more.length > 0) throw new Error('of nc, `nc -z host port` is translated alone');
    return [process.execPath, '-e', connects, host, port];
  },
};
/** Of the file's checks the commands count, and neither time-outs nor retries, which a busy machine would decide. */
const probeTimeoutMs = 60_000;
const connects =
  'const [, host, port] = process.argv;' +
  "require('node:net').connect({ host, port }).on('connect', () => process.exit(0)).on('error', () => process.exit(1))";

export interface LocalService {
  readonly name: string;
  readonly address: string;
  /** File with its output. */
  readonly log: string;
  readonly needs: readonly (readonly [service: string, condition: Condition])[];
  /** @param args in place of the file's command, as of `docker compose run` */
  readonly main: (args?: readonly string[]) => Promise<Command>;
  readonly probe: Command | undefined;
  readonly restartCountMax: number;
  /** Of those at its address, the ones that the host may use. */
  readonly publishedPorts: readonly number[];
  readonly stopSignal: NodeJS.Signals;
}

export interface Translated {
  readonly services: readonly LocalService[];
  readonly absent: Readonly<Record<string, string>>;
}

/** @param home an empty folder for volumes, logs and what containers write */
export function translate(file: ComposeFile, images: ImageTable, home: string): Translated {
  const names = Object.keys(file.services);
  // Two tests at a time have different ones.
  const [second, third] = [64 + ((process.pid >> 8) & 63), process.pid & 255];
  const addresses = new Map(names.map((name, i) => [name, `127.${String(second)}.${String(third)}.${String(i + 1)}`]));
  const imageOf = (name: string): Image | Absent => imageOfService(name, file.services[name]?.image ?? '', images);
  const services = Object.entries(file.services).flatMap(([name, service]) => {
    const image = imageOf(name);
    return 'absent' in image ? [] : [translateService(name, service, image)];
  });
  return { services, absent: Object.fromEntries(names.flatMap(absence)) };

  function absence(name: string): (readonly [string, string])[] {
    const image = imageOf(name);
    return 'absent' in image ? [[name, image.absent]] : [];
  }

  function portOf(name: string, port: number): number | undefined {
    const image = imageOf(name);
    return 'absent' in image ? undefined : image.ports[port];
  }

  function translateService(name: string, service: ComposeService, image: Image): LocalService {
    if ((service.deploy?.replicas ?? 1) !== 1) throw new Error(`${name}: one replica is translated, not more`);
    const address = addresses.get(name) ?? '';
    const folder = join(home, name);
    mkdirSync(folder, { recursive: true });
    const mounts = { ...image.paths, ...Object.fromEntries(service.volumes.map(mountOf)) };
    const here = (text: string): string => withPlaces(text, name, mounts);
    const env = Object.fromEntries(
      Object.entries(service.environment).map(([variable, value]) => [variable, valueOf(variable, value)]),
    );
    const log = join(home, `${name}.log`);
    const base = { env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env }, cwd: folder, log };
    const { entrypoint = [], command = [], healthcheck } = service;
    return {
      ...{ name, address, log },
      needs: Object.entries(service.depends_on).map(([need, { condition }]) => [need, condition]),
      main: async (args = command) => {
        const container = { address, folder, mounted: (path: string) => pathOf(path, name, mounts) };
        const program = await image.program([...entrypoint, ...args].map(here), container, env);
        return { ...base, ...program, env: { ...base.env, ...program.env } };
      },
      probe: healthcheck && {
        ...base,
        command: probeOf(name, healthcheck.test.map(here)),
        timeoutMs: probeTimeoutMs,
        log: join(home, `${name}.probe.log`),
      },
      restartCountMax: service.restart === 'on-failure:5' ? 5 : 0,
      publishedPorts: service.ports.map(
        (text) => image.ports[Number(text.split(':').at(-1))] ?? unknown(name, 'published port', text),
      ),
      stopSignal: service.stop_signal ?? image.stopSignal ?? 'SIGTERM',
    };

    function valueOf(variable: string, value: string): string {
      const kind = variables[variable];
      if (kind === undefined) throw new Error(`${name} has the variable ${variable}, which the table does not know`);
      if (kind === 'host') return addresses.get(value) ?? unknown(name, 'service', value);
      return kind === 'text' ? value : here(value);
    }
  }

  function mountOf(text: string): [target: string, source: string] {
    const [source = '', target = ''] = text.split(':');
    if (isAbsolute(source)) return [target, source];
    if (source.startsWith('./')) return [target, resolve(composeFolder, source)];
    if (!(source in file.volumes)) throw new Error(`the volume ${source} is not one of the file's`);
    const made = join(home, 'volumes', source);
    mkdirSync(made, { recursive: true });
    return [target, made];
  }

  function withPlaces(text: string, name: string, mounts: Readonly<Record<string, string>>): string {
    const own = addresses.get(name) ?? '';
    return text
      .replace(/([\w.-]*):(\d{2,5})(?!\d)/g, (_, host: string, port: string) => {
        const service = host === '' || isLoopback(host) ? name : host;
        const there = addresses.get(service) ?? unknown(name, 'host', `${host}:${port}`);
        return `${there}:${String(portOf(service, Number(port)) ?? unknown(name, 'port', `${host}:${port}`))}`;
      })
      .replace(/(?<![\w.-])(localhost|127\.0\.0\.1|0\.0\.0\.0)(?![\w.-])/g, own)
      .replace(/(?<![\w.:/$-])(\/[\w.-]+)+/g, (path) => pathOf(path, name, mounts));
  }
}

function isLoopback(host: string): boolean {
  return ['localhost', '127.0.0.1', '0.0.0.0'].includes(host);
}

function imageOfService(name: string, text: string, images: ImageTable): Image | Absent {
  const image = images[text.replace(/:[^:/]+$/, '')] ?? unknown(name, 'image', text);
  // The tools are there for their other service.
  return name === 'temporal-schema' && images['postgres'] === devServerInstead ? devServerInstead : image;
}

function pathOf(path: string, name: string, mounts: Readonly<Record<string, string>>): string {
  const mount = Object.keys(mounts).find((target) => path === target || path.startsWith(`${target}/`));
  if (mount === undefined) return unknown(name, 'path', path);
  return `${mounts[mount] ?? ''}${path.slice(mount.length)}`;
}

function probeOf(name: string, [program = '', ...args]: readonly string[]): readonly string[] {
  return (probes[program] ?? unknown(name, 'probe', program))(args);
}

function unknown(name: string, what: string, found: string): never {
  throw new Error(`${name} of infra/compose.yaml has a ${what} that the table does not know: ${found}`);
}
