/** File-system failures as coded errors: a full disk or a read-only folder is neither a bug nor a fault of the data. */
import { accessSync, constants, existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { freeSpace } from '../../core/free-space.ts';
import { MtrlError } from '../../core/errors.ts';
import { errnoOf } from './errno.ts';

/** Maximum depth at which streams and libraries wrap errors. */
const causeDepthMax = 5;

/**
 * The coded error for an error or one of its causes: DISK_FULL (ENOSPC, EDQUOT), FILE_NOT_WRITABLE (EROFS, EACCES,
 * EPERM) or FILE_UNREADABLE (EACCES or EPERM on an unreadable file); undefined for everything else.
 */
export function fileError(error: unknown): MtrlError | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < causeDepthMax; cause = cause.cause, depth++) {
    const found = codedAt(cause);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The coded error if there is one, else the error itself. */
export function codedFileError(error: unknown): unknown {
  return error instanceof MtrlError ? error : (fileError(error) ?? error);
}

function codedAt(cause: Error): MtrlError | undefined {
  const errno = errnoOf(cause);
  const path = 'path' in cause && typeof cause.path === 'string' ? cause.path : undefined;
  const where = path === undefined ? hostname() : `${path} on ${hostname()}`;
  const found = cause.message;
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new MtrlError('DISK_FULL', errno === 'EDQUOT' ? 'the disk quota is exhausted' : 'the disk is full', {
        where,
        found: [found, freeText(path ?? process.cwd())].join('; '),
        hint: 'free some space on that disk, or set MTRL_HOME or TMPDIR to a larger one; work continues by itself once there is space',
        cause,
      });
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return path !== undefined && errno !== 'EROFS' && isUnreadable(path)
        ? new MtrlError('FILE_UNREADABLE', 'permission to read the file is denied', {
            where,
            found,
            hint: 'allow the user of this process to read it',
            cause,
          })
        : isFileSystems(cause)
          ? new MtrlError('FILE_NOT_WRITABLE', 'the file system rejects the write', {
              where,
              found,
              hint: 'make the folder writable for the user of this process, or set MTRL_HOME or TMPDIR to one that is',
              cause,
            })
          : undefined;
    default:
      return undefined;
  }
}

/** Whether the file system caused the error: sockets and signals can also fail with EACCES or EPERM. */
function isFileSystems(cause: Error): boolean {
  const syscall = 'syscall' in cause ? cause.syscall : undefined;
  return syscall !== 'connect' && syscall !== 'listen' && syscall !== 'bind' && syscall !== 'kill';
}

function isUnreadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return false;
  } catch (error) {
    return ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '') && existsSync(path);
  }
}

/** Free space of the disk that holds the path; the path need not exist. */
function freeText(path: string): string {
  try {
    const { folder, byteLength, fileCount } = freeSpace(path);
    return `${String(byteLength)} bytes and ${String(fileCount)} files are free at ${folder}`;
  } catch {
    return `the free space at ${path} is unknown`;
  }
}
