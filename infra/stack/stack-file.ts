/**
 * `stack.json`: ports, credentials and task queue of the local stack, so that a restarted server is the same to its
 * clients. It contains a secret, so only its owner may read it.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';

export interface StackFile {
  /** Stamp of the folder that it belongs to (process/home-stamp.ts); absent in files of older versions. */
  readonly home?: string;
  /** Task queue of this stack alone; absent in files of older versions, whose stacks all use `mtrl`. */
  readonly taskQueue?: string;
  readonly temporal?: {
    readonly port: number;
    readonly uiPort: number;
    /** Ids of the namespaces by name; an id is unique to this stack's database. */
    readonly namespaceIds?: Readonly<Record<string, string>>;
  };
  readonly s3?: {
    readonly port: number;
    readonly consolePort: number;
    readonly accessKey: string;
    readonly secretKey: string;
  };
}

/** undefined if there is no local stack yet. */
export function readStackFile(home: string): StackFile | undefined {
  const path = join(home, 'stack.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new MtrlError('SETUP_FAILED', 'the settings of the local stack cannot be read', {
      where: path,
      found: (cause as Error).message,
      hint: 'make the file readable for this user, or set MTRL_HOME to another folder',
      cause,
    });
  }
  const parsed = parse(text);
  if (parsed) return parsed;
  throw new MtrlError('SETUP_FAILED', 'the settings of the local stack are damaged', {
    where: path,
    found: `${String(Buffer.byteLength(text))} bytes that are not a stack file`,
    hint: `run \`npm run mtrl -- down\`, restore the file, or move ${home} aside and run \`npm run mtrl -- up\`: the store in ${join(home, 'minio')} opens only with the credentials of this file`,
  });
}

/** Writes a temporary file and renames it, so that a reader sees either the old or the new settings. */
export function writeStackFile(home: string, file: StackFile): void {
  mkdirSync(home, { recursive: true });
  const path = join(home, 'stack.json');
  const temporary = `${path}.${String(process.pid)}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

/** Reads and writes synchronously, since two servers starting in parallel both change the file. */
export function changeStackFile(home: string, change: (file: StackFile) => StackFile): void {
  writeStackFile(home, change(readStackFile(home) ?? {}));
}

function parse(text: string): StackFile | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { temporal, s3, taskQueue, home } = value;
  if ([taskQueue, home].some((text) => text !== undefined && typeof text !== 'string')) return undefined;
  if (temporal !== undefined && !(isRecord(temporal) && isPort(temporal['port']) && isPort(temporal['uiPort']))) {
    return undefined;
  }
  const isS3 =
    isRecord(s3) &&
    isPort(s3['port']) &&
    isPort(s3['consolePort']) &&
    typeof s3['accessKey'] === 'string' &&
    typeof s3['secretKey'] === 'string';
  if (s3 !== undefined && !isS3) return undefined;
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65536;
}
