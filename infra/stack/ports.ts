/** Chooses ports for the local servers, the usual ones if free, and finds the process that listens on a port. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MtrlError } from '../../core/errors.ts';

export const host = '127.0.0.1';

export async function isPortFree(port: number): Promise<boolean> {
  return (await listen(port)) === port;
}

/** One distinct port per preferred one: that port if free, else one some tens above it, else one from the kernel. */
export async function choosePorts(preferred: readonly (number | undefined)[]): Promise<number[]> {
  const chosen: number[] = [];
  for (const port of preferred) {
    let candidate = port === undefined ? undefined : await firstFree(port, chosen);
    while (candidate === undefined || chosen.includes(candidate)) candidate = await listen(0);
    chosen.push(candidate);
  }
  return chosen;
}

/**
 * The first free port in steps of ten from `port`. A port that the kernel chose may be given to another process before
 * the server starts: Temporal itself asks the kernel for four more ports.
 */
async function firstFree(port: number, chosen: readonly number[]): Promise<number | undefined> {
  for (let candidate = port; candidate < port + 200 && candidate < 65536; candidate += 10)
    if (!chosen.includes(candidate) && (await isPortFree(candidate))) return candidate;
  return undefined;
}

/** Throws PORT_IN_USE, naming the process that listens there. */
export async function assertPortFree(port: number, server: string): Promise<void> {
  // A server that was just killed holds its port a little longer than its process is visible.
  for (let attempt = 0; attempt < 40; attempt += 1) {
    if (await isPortFree(port)) return;
    await sleep(50);
  }
  throw portInUse(port, server);
}

export function portInUse(port: number, server: string): MtrlError {
  return new MtrlError('PORT_IN_USE', `port ${String(port)} of the local ${server} is taken by another process`, {
    where: `${host}:${String(port)}`,
    found: ownerOf(port) ?? 'an unknown process listening there',
    hint: 'run `npm run mtrl -- up`, which moves the server to a free port',
  });
}

/** `process 4711 (python3 -m http.server) in /srv/files`; undefined if the system does not tell. */
export function ownerOf(port: number): string | undefined {
  const pid = ownerPid(port);
  if (pid === undefined) return undefined;
  const folder = readLink(`/proc/${String(pid)}/cwd`);
  return `process ${String(pid)}${commandOf(pid)}${folder === '' ? '' : ` in ${folder}`}`;
}

/** Pid of the process that listens on the port; undefined if the system does not tell. */
export function ownerPid(port: number): number | undefined {
  return process.platform === 'linux' ? ownerPidLinux(port) : ownerPidLsof(port);
}

/** Binds a port for a moment. Returns the port, or undefined if it is taken. */
function listen(port: number): Promise<number | undefined> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') done(undefined);
      else failed(error);
    });
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address ? address.port : undefined;
      server.close(() => {
        done(bound);
      });
    });
  });
}

function ownerPidLinux(port: number): number | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined && inodes.has(inode)) return Number(pid);
    }
  }
  return undefined;
}

function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const stateListen = '0A';
  return read(table)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) === true && fields[3] === stateListen)
    .flatMap((fields) => fields[9] ?? []);
}

function ownerPidLsof(port: number): number | undefined {
  try {
    const output = execFileSync('lsof', ['-nP', `-iTCP:${String(port)}`, '-sTCP:LISTEN', '-Fp'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const pid = /^p(\d+)$/m.exec(output)?.[1];
    return pid === undefined ? undefined : Number(pid);
  } catch {
    return undefined;
  }
}

function commandOf(pid: number): string {
  const command = read(`/proc/${String(pid)}/cmdline`)
    .split('\0')
    .join(' ')
    .trim()
    .slice(0, 120);
  return command === '' ? '' : ` (${command})`;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
