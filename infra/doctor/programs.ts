/** Checks of the server programs, and of Go, which builds them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findBinary } from '../binaries/binaries.ts';
import { findGo } from '../binaries/build-go.ts';
import { type BinaryName, pins } from '../binaries/pins.ts';
import type { DoctorCheck } from './doctor.ts';

export async function checkPrograms(): Promise<DoctorCheck[]> {
  return Promise.all([checkBinary('temporal'), checkBinary('minio'), checkGo()]);
}

async function checkBinary(name: BinaryName): Promise<DoctorCheck> {
  const pin = pins[name];
  const binary = await findBinary(name);
  if ('path' in binary) {
    const version = await firstLineOf(binary.path, ['--version']);
    const pinned = binary.source === 'cache' ? ` (pinned ${pin.version})` : '';
    return { name, status: 'ok', found: `${binary.path}: ${version ?? 'does not tell its version'}${pinned}` };
  }
  const go = await findGo(pin);
  const canBuild = 'path' in go;
  const { overrideVariable } = pin;
  const isReplaced = overrideVariable !== undefined && process.env[overrideVariable] !== undefined;
  return {
    name,
    status: canBuild || isReplaced ? 'warn' : 'fail',
    found: binary.tried.join('\n'),
    hint: canBuild
      ? 'run `npm run mtrl -- up`: it is built once, which takes some minutes'
      : `install \`${name}\` on PATH, or Go ${pin.goVersionMin} (https://go.dev/dl)${overrideVariable === undefined ? '' : `, or set ${overrideVariable}`}`,
  };
}

async function checkGo(): Promise<DoctorCheck> {
  const go = await findGo(pins.temporal);
  if ('path' in go) return { name: 'go', status: 'ok', found: `${go.path}: ${go.version}` };
  return {
    name: 'go',
    status: 'warn',
    found: go.missing,
    hint: 'needed only to build the servers (https://go.dev/dl)',
  };
}

async function firstLineOf(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { timeout: 20_000 });
    return stdout.split('\n')[0];
  } catch {
    return undefined;
  }
}
